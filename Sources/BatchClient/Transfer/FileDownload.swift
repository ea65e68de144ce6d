// SPDX-License-Identifier: Apache-2.0
internal import Curl

/// What is known of a file while it is downloaded, and what its answers mean. No I/O.
struct FileDownload: Sendable {
    /// What to do with an answer, judged by its head.
    enum Plan: Equatable {
        /// Append the body, without its first so many bytes.
        case take(skip: Int64)
        /// What is here does not fit: begin again from the first byte.
        case startOver
        /// Nothing is missing.
        case isWhole
        /// The server says no.
        case refuse
    }

    /// The file.
    let id: String
    /// Its size in bytes once known.
    var total: Int64?
    /// The strong `ETag` of the first answer: a later one with another tag is another file.
    var strongTag: String?

    /// What is being done, as the beginning of an error message.
    var doing: String { "download file \(id)" }

    /// A download of which nothing but maybe the size is known.
    init(id: String, total: Int64?) {
        self.id = id
        self.total = total
    }

    /// Judges an answer to a request for everything from `position` on, and learns size and tag from it.
    mutating func plan(_ status: Int, _ headers: HTTPHeaders, position: Int64) -> Plan {
        let tag = headers.first("ETag").flatMap { $0.hasPrefix("W/") ? nil : $0 }
        let range = headers.first("Content-Range").flatMap(ContentRange.init)
        switch status {
        case 206:
            guard let sent = range?.sent, sent.lowerBound == position,
                total == nil || range?.total == nil
                    || range?.total == total
            else { return .startOver }
            learn(tag: tag, total: range?.total)
            return .take(skip: 0)
        case 416:
            guard position > 0 else { return .refuse }
            return range?.total == position && (total == nil || total == position) ? .isWhole : .startOver
        case 200..<300:
            let isSame = tag != nil && tag == strongTag
            let length = headers.first("Content-Length").flatMap { Int64($0) }
            learn(tag: tag, total: length)
            return position == 0 ? .take(skip: 0) : isSame ? .take(skip: position) : .startOver
        default:
            return .refuse
        }
    }

    private mutating func learn(tag: String?, total: Int64?) {
        strongTag = tag ?? strongTag
        self.total = self.total ?? total
    }
}
