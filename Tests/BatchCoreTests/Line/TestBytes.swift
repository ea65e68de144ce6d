// SPDX-License-Identifier: Apache-2.0

@testable import BatchCore

/// The scanner's verdict on a text: its type, or the fault.
func verdict(_ text: [UInt8], depthMax: Int = JSONScanner.defaultDepthMax) -> Result<JSONKind, JSONFault> {
    text.withUnsafeBytes { bytes in
        do throws(JSONFault) {
            return .success(try JSONScanner.validate(bytes, depthMax: depthMax))
        } catch {
            return .failure(error)
        }
    }
}

/// The scanner's verdict on a text.
func verdict(_ text: String) -> Result<JSONKind, JSONFault> { verdict(Array(text.utf8)) }

/// A file fed in chunks that end at `cuts`; its verdict, the accepted lines, and their id and body bytes as text.
func validate(
    _ file: [UInt8], cuts: [Int] = [], rules: LineRules = chatRules(), limits: FileLimits = FileLimits()
) throws -> (verdict: FileVerdict, lines: [AcceptedLine], texts: [String]) {
    var validator = FileValidator(rules: rules, limits: limits, key: HashKey(low: 11, high: 12)) { offset, length in
        Array(file[Int(offset)..<Int(offset) + length])
    }
    var lines: [AcceptedLine] = []
    var texts: [String] = []
    let accept = { (line: AcceptedLine, bytes: UnsafeRawBufferPointer) in
        lines.append(line)
        texts.append(String(decoding: bytes[line.customID], as: UTF8.self))
        texts.append(String(decoding: bytes[line.body], as: UTF8.self))
    }
    var from = 0
    for cut in cuts + [file.count] {
        // A copy of its own, so that reading past a chunk is reading foreign memory.
        let chunk = Array(file[from..<cut])
        try chunk.withUnsafeBytes { try validator.feed($0, accept: accept) }
        from = cut
    }
    let verdict = try validator.finish(accept: accept)
    return (verdict, lines, texts)
}

/// Rules of a chat batch that know every model but `unknown`.
func chatRules(_ endpoint: String = "/v1/chat/completions") -> LineRules {
    LineRules(endpoint: endpoint) { $0 != "unknown" }
}

/// A good chat line for `id`.
func chatLine(_ id: String, model: String = "m") -> String {
    #"{"custom_id":"\#(id)","method":"POST","url":"/v1/chat/completions","body":{"model":"\#(model)","messages":[]}}"#
}

/// Bytes of a text.
func utf8(_ text: String) -> [UInt8] { Array(text.utf8) }

/// A generator whose whole sequence follows from its seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    /// The state, at first the seed.
    var state: UInt64

    /// The next number.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
