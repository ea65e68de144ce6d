// SPDX-License-Identifier: Apache-2.0

/// A backend's answer, made fit for one line of a result file. (contracts: OpenAI result lines, body fidelity)
///
/// JSON stays byte for byte as it came, except that line breaks between its tokens are removed. Anything else
/// becomes an
/// error object with the code `invalid_backend_response`.
package struct ResponseBody: Equatable, Sendable {
    /// How much of an answer that is no JSON is shown, in bytes.
    package static let shownBytesMax = 4_096

    /// One line of JSON.
    package let bytes: [UInt8]
    /// Tokens the answer states; zeros when it is no JSON.
    package let usage: Usage
    /// Why the answer was replaced; nil when it was JSON.
    package let fault: JSONFault?

    /// True when the answer was complete, strict JSON.
    package var isJSON: Bool { fault == nil }

    /// Takes the whole body of an answer.
    package init(_ answer: [UInt8]) {
        do throws(JSONFault) {
            self.usage = try Self.scan(answer)
            self.bytes = Self.withoutLineBreaks(answer)
            self.fault = nil
        } catch {
            self.usage = Usage()
            self.bytes = Self.replacement(for: answer)
            self.fault = error
        }
    }

    /// Validates the answer and reads its usage.
    private static func scan(_ answer: [UInt8]) throws(JSONFault) -> Usage {
        let result = answer.withUnsafeBytes { bytes -> Result<Usage, JSONFault> in
            do throws(JSONFault) { return .success(try UsageReader.scan(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// Valid JSON without LF and CR. Strings cannot hold them raw, so every one stands between tokens.
    private static func withoutLineBreaks(_ answer: [UInt8]) -> [UInt8] {
        guard answer.contains(where: isLineBreak) else { return answer }
        return answer.filter { !isLineBreak($0) }
    }

    private static func isLineBreak(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

    /// The error object that stands for an answer that is no JSON.
    private static func replacement(for answer: [UInt8]) -> [UInt8] {
        var cut = min(answer.count, shownBytesMax)
        if cut < answer.count {
            // Not in the middle of a character, which would show up as a replacement character.
            for _ in 0..<3 where answer[cut] & 0xC0 == 0x80 { cut -= 1 }
        }
        var out = Array(#"{"error":{"message":"#.utf8)
        let message =
            answer.isEmpty ? "The backend's answer was empty." : String(decoding: answer[..<cut], as: UTF8.self)
        JSONText.appendString(message, to: &out)
        out.append(contentsOf: #","type":"server_error","param":null,"code":"invalid_backend_response"}}"#.utf8)
        return out
    }
}
