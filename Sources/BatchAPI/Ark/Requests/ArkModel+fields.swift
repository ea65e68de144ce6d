// SPDX-License-Identifier: Apache-2.0

import BatchCore

extension ArkModel {
    /// Longest name, version or id, in characters.
    static let charactersMax = 200

    /// Reads `ModelReference`: exactly one of its two members must be there.
    ///
    /// - Throws: ``ArkFault``.
    init(_ fields: ArkFields) throws {
        let foundation = try fields.object("FoundationModel")
        let custom = try fields.text("CustomModelId", charactersMax: Self.charactersMax)
        switch (foundation, custom) {
        case (let model?, nil):
            guard let name = try model.text("Name", charactersMax: Self.charactersMax) else {
                throw model.missing("Name")
            }
            guard let version = try model.text("ModelVersion", charactersMax: Self.charactersMax) else {
                throw model.missing("ModelVersion")
            }
            self = .foundation(name: name, version: version)
        case (nil, let id?): self = .custom(id: id)
        case (nil, nil): throw fields.missing("FoundationModel")
        case (_?, _?):
            throw ArkFault.invalidParameter(
                "ModelReference has both FoundationModel and CustomModelId; send one of them.",
                detail: "ModelReference")
        }
    }
}
