// SPDX-License-Identifier: Apache-2.0
internal import BatchCore

/// Writes request lines of a batch, all alike but for `custom_id` and content.
struct RequestForm: Sendable {
    /// The path every line names.
    let endpoint: Endpoint

    private let head: [UInt8]
    private let tail: [UInt8]

    /// The endpoints that a content of one text fits.
    static let endpoints: [Endpoint] = [.chatCompletions, .test, .embeddings, .completions, .responses]

    /// Requests to `model`.
    ///
    /// - Parameter system: the system message before each content; empty for none. Only chats have one.
    init(endpoint: Endpoint, model: String, system: String) {
        self.endpoint = endpoint
        var head = Array(#","method":"POST","url":"#.utf8)
        JSONText.appendString(endpoint.rawValue, to: &head)
        head += Array(#","body":{"model":"#.utf8)
        JSONText.appendString(model, to: &head)
        switch endpoint {
        case .chatCompletions, .test:
            head += Array(#","messages":["#.utf8)
            if !system.isEmpty {
                head += Array(#"{"role":"system","content":"#.utf8)
                JSONText.appendString(system, to: &head)
                head += Array("},".utf8)
            }
            head += Array(#"{"role":"user","content":"#.utf8)
            tail = Array("}]}}\n".utf8)
        case .completions:
            head += Array(#","prompt":"#.utf8)
            tail = Array("}}\n".utf8)
        default:
            head += Array(#","input":"#.utf8)
            tail = Array("}}\n".utf8)
        }
        self.head = head
    }

    /// Appends the line of a request to `out`; both texts are UTF-8.
    func append(customID: [UInt8], content: [UInt8], to out: inout [UInt8]) {
        out.append(contentsOf: #"{"custom_id":"#.utf8)
        customID.withUnsafeBytes { JSONText.appendEscaped($0, to: &out) }
        out.append(contentsOf: head)
        content.withUnsafeBytes { JSONText.appendEscaped($0, to: &out) }
        out.append(contentsOf: tail)
    }
}
