// SPDX-License-Identifier: Apache-2.0
import CLibpq
import Logging

/// Takes the server's notices and warnings (they are no errors) to the log.
final class NoticeLog {
    private let logger: Logger

    /// Notices go to that logger at level debug.
    init(_ logger: Logger) {
        self.logger = logger
    }

    /// Becomes the receiver of a connection's notices; libpq's own writes to stderr. Must live as long as the
    /// connection.
    func attach(to connection: OpaquePointer) {
        PQsetNoticeReceiver(
            connection, { context, result in NoticeLog.receive(context, result) },
            Unmanaged.passUnretained(self).toOpaque())
    }

    /// libpq's callback; `context` is a `NoticeLog` that lives as long as its connection.
    private static func receive(_ context: UnsafeMutableRawPointer?, _ result: OpaquePointer?) {
        guard let context, let result, let message = PQresultErrorMessage(result) else { return }
        let log = Unmanaged<NoticeLog>.fromOpaque(context).takeUnretainedValue()
        log.logger.debug("notice from PostgreSQL", metadata: ["message": "\(String(cString: message).trimmedLine)"])
    }
}
