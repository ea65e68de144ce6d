// SPDX-License-Identifier: Apache-2.0

package import BatchCore
package import BatchFiles
package import BatchStore
internal import Loops
package import Sealing

/// Looks at what a request names elsewhere before anything is made of it, so that a wrong bucket or key is told at once
/// and not by a batch that failed.
package struct RemoteProbe: Sendable {
    private let desk: RemoteDesk
    private let deadline: Duration

    /// A probe that opens addresses as the coordinator's rooms do.
    ///
    /// - Parameters:
    ///   - sealingKey: opens the projects' own secrets, if there are any.
    ///   - deadline: for one look.
    package init(store: Store, stores: RemoteStores, sealingKey: SealingKey?, deadline: Duration) {
        desk = RemoteDesk(store: store, stores: stores, sealingKey: sealingKey)
        self.deadline = deadline
    }

    /// Length in bytes of an object that a project may read.
    ///
    /// - Throws: ``BatchFiles/RemoteFault``; any other error is one of the database.
    package func size(of object: StoredObject, project: ProjectID) async throws -> Int64? {
        let remote = try await open(object, project: project)
        do {
            return try await withDeadline(deadline) { try await remote.size() }
        } catch is DeadlineExceeded {
            throw RemoteFault(
                .unreachable,
                "\(remote.place) could not be looked at within \(deadline.components.seconds) s: the store does not "
                    + "answer.")
        }
    }

    /// Makes sure that there are keys with which a project may write below a folder; asks no store.
    ///
    /// - Throws: ``BatchFiles/RemoteFault``; any other error is one of the database.
    package func checkKeys(for folder: StoredObject, project: ProjectID) async throws {
        _ = try await open(folder, project: project)
    }

    private func open(_ object: StoredObject, project: ProjectID) async throws -> RemoteObject {
        let name = try await desk.store.projectName(of: project) ?? ""
        return try await desk.open(.object(object), project: project, name: name)
    }
}
