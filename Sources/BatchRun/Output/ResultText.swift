// SPDX-License-Identifier: Apache-2.0
package import BatchCore

/// How result lines are written.
package enum ResultFormat: String, CaseIterable, Hashable, Sendable {
    /// OpenAI's result lines.
    case shardline
    /// The result lines of vLLM's `run-batch`.
    case vllm

    /// What the id of a line begins with.
    var idPrefix: String {
        switch self {
        case .shardline: "batch_req_"
        case .vllm: "vllm-"
        }
    }
}

/// Writes results as lines. (contracts: OpenAI result lines; vLLM `run-batch`, output)
package struct ResultText: Sendable {
    private let format: ResultFormat
    private let salt: UInt64

    /// A writer whose ids are like no other writer's.
    package init(_ format: ResultFormat, salt: UInt64 = .random(in: .min ... .max)) {
        self.format = format
        self.salt = salt
    }

    /// The line of an outcome, its line break included.
    package func line(_ outcome: Outcome) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(outcome.body.count + 256)
        let id = id(of: outcome.ordinal)
        switch format {
        case .shardline: ResultLine.openAI.append(outcome, id: id, to: &out)
        case .vllm: Self.append(outcome, id: id, to: &out)
        }
        return out
    }

    /// 32 hexadecimal digits, different for each line and each run.
    private func id(of ordinal: Int) -> [UInt8] {
        // A bijection that leaves no trace of the order (the finaliser of MurmurHash3).
        var mixed = UInt64(truncatingIfNeeded: ordinal) &+ salt
        mixed = (mixed ^ mixed >> 33) &* 0xFF51_AFD7_ED55_8CCD
        mixed = (mixed ^ mixed >> 33) &* 0xC4CE_B9FE_1A85_EC53
        mixed ^= mixed >> 33
        return Self.hex(salt) + Self.hex(mixed)
    }

    private static func hex(_ number: UInt64) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        return (0..<16).map { digits[Int(number >> UInt64(60 - 4 * $0) & 15)] }
    }

    private static func append(_ outcome: Outcome, id: [UInt8], to out: inout [UInt8]) {
        out += #"{"id":"vllm-"#.utf8
        out += id
        out += #"","custom_id":"#.utf8
        out += outcome.customID
        out += #","response":{"status_code":"#.utf8
        out += String(status(outcome)).utf8
        out += #","request_id":"vllm-batch-"#.utf8
        out += id
        out += #"","body":"#.utf8
        switch outcome.kind {
        case .success:
            out += outcome.body
            out += #"},"error":null}"#.utf8
        case .httpError:
            out += #"null},"error":"#.utf8
            appendError(outcome.body, to: &out)
            out += "}".utf8
        case .noResponse(RunRules.unsupportedURL, let message):
            out += #"null},"error":"#.utf8
            JSONText.appendString(message, to: &out)
            out += "}".utf8
        case .noResponse(let code, let message):
            out += #"null},"error":{"error":{"message":"#.utf8
            JSONText.appendString(message, to: &out)
            out += #","type":"#.utf8
            JSONText.appendString(code, to: &out)
            out += #","param":null,"code":"#.utf8
            out += String(status(outcome)).utf8
            out += "}}}".utf8
        }
        out.append(UInt8(ascii: "\n"))
    }

    /// The status of a line, which this form wants even where nobody answered.
    private static func status(_ outcome: Outcome) -> Int {
        guard case .noResponse(let code, _) = outcome.kind else { return outcome.statusCode }
        return switch code {
        case RunRules.unsupportedURL: 400
        case "connection_error": 502
        case "request_timeout": 504
        default: 500
        }
    }

    /// The backend's answer, nested as `{"error":…}` unless it is so already, or a bare string.
    private static func appendError(_ body: ArraySlice<UInt8>, to out: inout [UInt8]) {
        if isNested(body) || body.first == UInt8(ascii: "\"") {
            out += body
        } else {
            out += #"{"error":"#.utf8
            out += body
            out += "}".utf8
        }
    }

    private static func isNested(_ body: ArraySlice<UInt8>) -> Bool {
        body.withUnsafeBytes { bytes in
            var found = false
            do throws(JSONFault) {
                var scanner = JSONScanner(bytes)
                try scanner.start()
                guard try scanner.kind() == .object else { return false }
                try scanner.members { (scanner, key) throws(JSONFault) in
                    if scanner.reads(key, "error") { found = true }
                    _ = try scanner.value()
                }
            } catch {
                return false
            }
            return found
        }
    }
}
