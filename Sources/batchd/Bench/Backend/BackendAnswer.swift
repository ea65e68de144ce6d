// SPDX-License-Identifier: Apache-2.0

/// The chat completion that the bench's backend answers: a pure function of the line's marker, so that a checker knows
/// every byte that belongs under a custom_id.
enum BackendAnswer {
    /// Bytes of a body, as of a short answer of a real server.
    static let byteCount = 600

    /// The body for a marker; always ``byteCount`` bytes.
    static func body(_ marker: LineMarker) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(byteCount)
        appendBody(marker, to: &output)
        return output
    }

    /// Appends that body.
    static func appendBody(_ marker: LineMarker, to output: inout [UInt8]) {
        output += head
        marker.append(to: &output)
        output += tail
    }

    /// Appends a whole response with that body.
    static func appendResponse(_ marker: LineMarker, to output: inout [UInt8]) {
        output += responseHead
        appendBody(marker, to: &output)
    }

    /// Appends a response of another status with an error body.
    ///
    /// - Parameter retryAfter: seconds for `Retry-After`; nil sends none.
    static func appendFault(status: Int, reason: String, retryAfter: Int?, to output: inout [UInt8]) {
        let body = #"{"error":{"message":"\#(reason)","type":"bench","code":"\#(status)"}}"#
        appendResponse(status: "\(status) \(reason)", body: body, retryAfter: retryAfter, to: &output)
    }

    /// Appends a response with a JSON body.
    static func appendResponse(status: String, body: String, retryAfter: Int? = nil, to output: inout [UInt8]) {
        let wait = retryAfter.map { "Retry-After: \($0)\r\n" } ?? ""
        output += Array(
            ("HTTP/1.1 \(status)\r\nContent-Type: application/json\r\n\(wait)"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)").utf8)
    }

    private static let head = Array(
        (#"{"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"bench","#
            + #""choices":[{"index":0,"message":{"role":"assistant","content":""#).utf8)

    private static let tail: [UInt8] = {
        let end = Array(
            (#""},"finish_reason":"stop"}],"#
                + #""usage":{"prompt_tokens":200,"completion_tokens":100,"total_tokens":300}}"#).utf8)
        var text: [UInt8] = [UInt8(ascii: " ")]
        var words = RandomWords()
        words.append(byteCount - head.count - LineMarker.byteCount - 1 - end.count, to: &text)
        return text + end
    }()

    private static let responseHead = Array(
        ("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: \(byteCount)\r\n\r\n").utf8)
}
