// SPDX-License-Identifier: Apache-2.0
import BatchAPI
import BatchCoordinator
import BatchWorker
import Logging

extension Assembly {
    /// How many connections and held requests there can be; what does not fit is told in the log.
    func connectionRoom() -> ConnectionRoom {
        let (heldMax, openFilesMax) = (settings.live.heldMax, ProcessLimits.openFilesMax)
        let room = ConnectionRoom(
            connectionsMax: settings.api.connectionsMax, heldMax: heldMax, openFilesMax: openFilesMax,
            reserve: otherFiles)
        if room.connections < settings.api.connectionsMax + heldMax {
            logger.warning(
                "the limit of open files is too low for the configured connections; raise it, or lower the settings",
                metadata: [
                    "open_files_max": "\(openFilesMax)", "connections": "\(room.connections)",
                    "held": "\(room.held)",
                    "needed": "\(settings.api.connectionsMax + heldMax + otherFiles)",
                ])
        }
        return room
    }

    /// The API's settings with the connections that there can be.
    func api(_ room: ConnectionRoom) -> APIConfiguration {
        var api = settings.api
        api.connectionsMax = room.connections - room.held
        return api
    }

    /// Files and sockets of everything but the API's connections: the database's, transfers to stores, receivers and
    /// backends (the lane in memory calls some too), files being sent or received, and some for the runtime.
    private var otherFiles: Int {
        settings.database.connectionsMax + Self.vaultRequestsMax + Self.remoteRequestsMax
            + settings.coordinator.notify.attemptsMax + settings.worker.concurrency * (settings.standalone.workers + 1)
            + settings.api.uploadsMax + settings.api.downloadsMax + 256
    }
}
