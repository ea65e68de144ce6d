// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

/// Which jobs of a tenant are listed; every condition that is given must hold. (contracts: Ark list request)
package struct ArkJobFilter: Hashable, Sendable {
    /// A model whose jobs are listed.
    package struct Model: Hashable, Sendable {
        /// The name of a foundation model.
        package let name: String
        /// Its versions; empty: every one.
        package let versions: [String]

        /// A model in these versions.
        package init(name: String, versions: [String]) {
            self.name = name
            self.versions = versions
        }
    }

    /// A label that a job must have.
    package struct Tag: Hashable, Sendable {
        /// The label's key.
        package let key: String
        /// Its value must be one of these; empty: any.
        package let values: [String]

        /// A label with one of these values.
        package init(key: String, values: [String]) {
            self.key = key
            self.values = values
        }
    }

    /// Ark's own project.
    package var projectName: String
    /// Only these; empty: all.
    package var ids: [String] = []
    /// A part of the name in any case, or nil.
    package var namePart: String?
    /// Only those in these phases; empty: in any.
    package var phases: [ArkPhase] = []
    /// Only those of these models, or of ``customModels``; both empty: of any.
    package var models: [Model] = []
    /// Ids of custom models.
    package var customModels: [String] = []
    /// Every one must be there.
    package var tags: [Tag] = []

    /// Every job of a project.
    package init(projectName: String) { self.projectName = projectName }
}

/// Which part of a list is wanted, in which order.
package struct ArkJobOrder: Hashable, Sendable {
    /// Whether by the moment of the last change instead of that of creation.
    package var isByUpdate = false
    /// Whether the oldest come first.
    package var isAscending = false
    /// Jobs that are passed over.
    package var offset: Int64 = 0
    /// Most jobs of the page.
    package var limit = 10

    /// The first ten, newest first.
    package init() {}
}

/// A page of jobs.
package struct ArkJobPage: Sendable {
    /// The jobs.
    package let jobs: [ArkJob]
    /// How many fulfil the conditions, on all pages.
    package let totalCount: Int64
}

extension Store {
    /// A page of a tenant's jobs, with live counts of their lines, and how many there are in all.
    package func listArkJobs(
        project: ProjectID, filter: ArkJobFilter, order: ArkJobOrder
    ) async throws -> ArkJobPage {
        try await pool.run(retryingConnectionLoss: true) { session in
            let condition = Self.condition(filter, project)
            let total = try session.query("select count(*)::int8 as count from ark_jobs j where \(condition)")
                .onlyRow("ark_jobs")["count", as: Int64.self]
            guard order.offset < total else { return ArkJobPage(jobs: [], totalCount: total) }
            let sorting = Self.sorting(order)
            let jobs = try session.query(
                """
                select \(unescaped: ArkJob.columns), \(unescaped: Self.liveBatchColumns)
                from (
                    select * from ark_jobs j where \(condition)
                    order by \(sorting) limit \(order.limit) offset \(order.offset)
                ) j join batches b on b.id = j.batch_id \(unescaped: Self.liveCounts)
                order by \(sorting)
                """
            ).map(ArkJob.init)
            return ArkJobPage(jobs: jobs, totalCount: total)
        }
    }

    /// How many jobs of a project have one of its places for jobs under way.
    package func countArkJobsUnderWay(project: ProjectID, projectName: String) async throws -> Int64 {
        try await pool.run(retryingConnectionLoss: true) { session in
            try session.query(
                """
                select count(*)::int8 as count from batches
                where project_id = \(project.rawValue) and queue = \(projectName) and admitted_at is not null
                  and status in ('validating', 'in_progress', 'finalizing', 'cancelling')
                """
            ).onlyRow("batches")["count", as: Int64.self]
        }
    }

    private static func sorting(_ order: ArkJobOrder) -> Fragment {
        switch (order.isByUpdate, order.isAscending) {
        case (false, false): "j.created_at desc, j.seq desc"
        case (false, true): "j.created_at, j.seq"
        case (true, false): "j.updated_at desc, j.seq desc"
        case (true, true): "j.updated_at, j.seq"
        }
    }

    private static func condition(_ filter: ArkJobFilter, _ project: ProjectID) -> Fragment {
        var condition: Fragment =
            """
            j.project_id = \(project.rawValue) and j.project_name = \(filter.projectName) and j.deleted_at is null
            """
        if !filter.ids.isEmpty { condition = condition + " and j.batch_id = any(\(filter.ids)::text[])" }
        if let part = filter.namePart {
            condition = condition + " and position(lower(\(part)) in lower(j.name)) > 0"
        }
        if !filter.phases.isEmpty {
            condition = condition + " and j.phase = any(\(filter.phases.map(\.rawValue))::text[])"
        }
        for tag in filter.tags { condition = condition + " and \(has(tag))" }
        var models: [Fragment] = filter.models.map { model in
            model.versions.isEmpty
                ? "j.model_name = \(model.name)"
                : "j.model_name = \(model.name) and j.model_version = any(\(model.versions)::text[])"
        }
        if !filter.customModels.isEmpty { models.append("j.custom_model_id = any(\(filter.customModels)::text[])") }
        guard let first = models.first else { return condition }
        let any = models.dropFirst().reduce(first) { $0 + " or " + $1 }
        return condition + " and (" + any + ")"
    }

    private static func has(_ tag: ArkJobFilter.Tag) -> Fragment {
        let value: Fragment = tag.values.isEmpty ? "" : " and t ->> 'Value' = any(\(tag.values)::text[])"
        return "exists (select 1 from jsonb_array_elements(j.tags) t where t ->> 'Key' = \(tag.key)\(value))"
    }
}
