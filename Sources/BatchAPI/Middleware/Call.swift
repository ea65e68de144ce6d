// SPDX-License-Identifier: Apache-2.0

import BatchCore
import HTTPTypes

/// One request as a handler sees it. Used by the one task that serves it.
struct Call {
    /// The name of the request in responses and logs.
    let requestID: String
    /// GET, POST, …; HEAD is served by the handlers of GET.
    let method: HTTPRequest.Method
    /// The headers.
    let headers: HTTPFields
    /// The parameters of the URL.
    let query: QueryParameters
    /// What stood in the place of the route's `{…}`, decoded; nil when it can name nothing that is stored.
    let identifier: String?
    /// The body, unread.
    let body: IncomingBody

    /// A cursor parameter that can name something; one that cannot is refused before the database sees it.
    static func cursor(_ text: String) throws -> String {
        guard let text = usableIdentifier(text) else {
            throw BatchError.invalid("No object has the id that 'after' names.", param: "after")
        }
        return text
    }

    /// `text` when it may be an identifier: 1…512 bytes without control characters.
    static func usableIdentifier(_ text: String) -> String? {
        guard (1...512).contains(text.utf8.count), text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return nil }
        return text
    }
}
