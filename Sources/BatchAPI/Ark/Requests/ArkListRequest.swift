// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore

/// A request to list batches, checked. An empty list in a condition is no condition: published clients send
/// such. (contracts: Ark list request)
struct ArkListRequest: Hashable, Sendable {
    /// What a list is ordered by.
    enum Key: String, CaseIterable, Hashable, Sendable {
        case createTime = "CreateTime"
        case updateTime = "UpdateTime"
    }

    /// Which way it is ordered.
    enum Order: String, CaseIterable, Hashable, Sendable {
        case ascending = "Asc"
        case descending = "Desc"
    }

    /// Only these; empty: all.
    let ids: [String]
    /// A part of the name, or nil.
    let namePart: String?
    /// Only those in these phases; empty: in any.
    let phases: [ArkPhase]
    /// Only those of these models, or of ``customModels``; both empty: of any.
    let models: [ArkBatchFilter.Model]
    /// Ids of custom models.
    let customModels: [String]
    /// Every one must hold.
    let tags: [ArkBatchFilter.Tag]
    /// Ark's project.
    let projectName: String
    /// The page, from 1.
    let page: Int
    /// Batches per page.
    let pageSize: Int
    /// What the list is ordered by.
    let key: Key
    /// Which way it is ordered.
    let order: Order

    /// Most elements of each list in the conditions.
    static let elementsMax = 100
    /// Most batches per page.
    static let pageSizeMax = 100
    /// Batches per page when the request names no number.
    static let pageSizeStandard = 10
    /// Last page that can be asked for.
    static let pageMax = 1_000_000

    /// Checks the parameters.
    ///
    /// - Throws: an ``ArkFault`` for the first thing that is wrong.
    init(_ fields: ArkFields) throws {
        let filter = try fields.object("Filter")
        ids = try filter?.texts("Ids", countMax: Self.elementsMax) ?? []
        namePart = try filter?.text("Name", charactersMax: ArkCreateRequest.nameCharactersMax)
        phases = try filter?.choices("Phases") ?? []
        models =
            try filter?.objects("FoundationModels", countMax: Self.elementsMax).map { model in
                ArkBatchFilter.Model(
                    name: try model.requiredText("Name"),
                    versions: try model.texts("ModelVersions", countMax: Self.elementsMax))
            } ?? []
        customModels = try filter?.texts("CustomModelIds", countMax: Self.elementsMax) ?? []
        tags = try fields.objects("TagFilters", countMax: ArkCreateRequest.tagsMax).map { tag in
            ArkBatchFilter.Tag(
                key: try tag.requiredText("Key"), values: try tag.texts("Values", countMax: Self.elementsMax))
        }
        projectName = try ArkCreateRequest.projectName(fields)
        page = try fields.integer("PageNumber", in: 1...Self.pageMax, standard: 1)
        pageSize = try fields.integer("PageSize", in: 1...Self.pageSizeMax, standard: Self.pageSizeStandard)
        key = try fields.choice("SortBy") ?? .createTime
        order = try fields.choice("SortOrder") ?? .descending
    }

    /// Its conditions.
    var filter: ArkBatchFilter {
        var filter = ArkBatchFilter(projectName: projectName)
        (filter.ids, filter.namePart, filter.phases) = (ids, namePart, phases)
        (filter.models, filter.customModels, filter.tags) = (models, customModels, tags)
        return filter
    }

    /// Which part is wanted, in which order.
    var part: ArkBatchOrder {
        var part = ArkBatchOrder()
        (part.isByUpdate, part.isAscending) = (key == .updateTime, order == .ascending)
        (part.offset, part.limit) = (Int64(page - 1) * Int64(pageSize), pageSize)
        return part
    }
}
