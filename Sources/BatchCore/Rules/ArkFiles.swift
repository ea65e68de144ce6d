// SPDX-License-Identifier: Apache-2.0

/// Where the files of a job lie: below the folder that its creator named, in one of its own. (contracts: Ark files)
package struct ArkFiles: Hashable, Sendable {
    /// The creator's bucket and folder; the key ends in a slash.
    package let folder: StoredObject
    /// The job.
    package let job: BatchID

    /// The files of a job.
    package init(folder: StoredObject, job: BatchID) {
        self.folder = folder
        self.job = job
    }

    /// Most bytes that follow the folder in a key.
    package static let nameBytesMax = 64

    /// Key of the results of lines that succeeded.
    package var resultsKey: String { "\(folder.key)\(job)/output/results.jsonl" }
    /// Key of the errors of all other lines.
    package var errorsKey: String { "\(folder.key)\(job)/error/errors.jsonl" }
    /// Address of the results.
    package var resultsAddress: String { address(resultsKey) }
    /// Address of the errors.
    package var errorsAddress: String { address(errorsKey) }

    private func address(_ key: String) -> String { "\(folder.store.rawValue)://\(folder.bucket)/\(key)" }
}
