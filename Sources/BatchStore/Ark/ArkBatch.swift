// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

/// A job of Ark's control plane: a batch, and what only that profile shows of it. (contracts: Ark item)
package struct ArkBatch: Hashable, Sendable {
    /// The batch.
    package let batch: Batch
    /// Ark's own project.
    package let projectName: String
    /// What its creator calls it.
    package let name: String
    /// More words of the creator's, or nil.
    package let description: String?
    /// JSON text of an array of `{"Key", "Value"}`.
    package let tags: String
    /// The model as the request named it.
    package let model: ArkModel
    /// Where its lines are read from.
    package let input: StoredObject
    /// Below what its files are written.
    package let outputFolder: StoredObject
    /// Where it stands.
    package let phase: ArkPhase
    /// Since when, in Unix seconds.
    package let phaseAt: Int64
    /// When it was made, in Unix seconds.
    package let createdAt: Int64
    /// When its phase, name or description changed last, in Unix seconds.
    package let updatedAt: Int64
}

extension ArkBatch {
    /// The columns of `ark_jobs j` that ``init(_:)`` reads besides those of the batch.
    static let columns: StaticString = """
        j.project_name as ark_project_name, j.name as ark_name, j.description as ark_description,
        j.tags::text as ark_tags, j.model_name, j.model_version, j.custom_model_id, j.input_bucket, j.input_key,
        j.output_bucket, j.output_folder, j.phase, j.phase_at, j.created_at as ark_created_at, j.updated_at
        """

    /// A job from its columns and those of its batch.
    init(_ row: Row) throws {
        batch = try Store.batch(row)
        projectName = try row["ark_project_name", as: String.self]
        name = try row["ark_name", as: String.self]
        description = try row["ark_description", as: String?.self]
        tags = try row["ark_tags", as: String.self]
        if let id = try row["custom_model_id", as: String?.self] {
            model = .custom(id: id)
        } else {
            model = .foundation(
                name: try row["model_name", as: String.self], version: try row["model_version", as: String.self])
        }
        input = try row.object(bucket: "input_bucket", key: "input_key")
        outputFolder = try row.object(bucket: "output_bucket", key: "output_folder")
        phase = try row.choice("phase")
        phaseAt = try row.seconds("phase_at")
        createdAt = try row.seconds("ark_created_at")
        updatedAt = try row.seconds("updated_at")
    }
}

extension Row {
    /// An object of TOS whose parts are in two columns.
    fileprivate func object(bucket: String, key: String) throws -> StoredObject {
        do throws(ObjectAddressProblem) {
            return try StoredObject(.tos, bucket: try self.text(bucket), key: try self.text(key))
        } catch {
            throw RowMismatch(description: "columns \(bucket) and \(key) name no object: it \(error.message)")
        }
    }

    private func text(_ column: String) throws(ObjectAddressProblem) -> String {
        guard let text = try? self[column, as: String.self] else { throw .noBucket }
        return text
    }
}
