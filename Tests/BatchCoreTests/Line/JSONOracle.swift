// SPDX-License-Identifier: Apache-2.0

import Foundation

@testable import BatchCore

/// An independent JSON parser to compare with: Python's, made as strict as the scanner by a few lines of its own.
enum JSONOracle {
    /// Where python3 is, or nil.
    static let python: String? = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .map { "\($0)/python3" }.first { FileManager.default.isExecutableFile(atPath: $0) }

    /// What failed when the oracle could not be asked.
    struct Unreachable: Error {
        /// In words.
        let reason: String
    }

    /// The oracle's summary of every text, in the form of `summary(of:)`; one process for all.
    static func summaries(of texts: [[UInt8]]) throws -> [String] {
        guard let python else { throw Unreachable(reason: "no python3 in PATH") }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("oracle-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var input: [UInt8] = []
        for text in texts {
            input += (0..<4).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) }
            input += text
        }
        let paths = ["oracle.py", "in", "out"].map { folder.appendingPathComponent($0) }
        try Data(script.utf8).write(to: paths[0])
        try Data(input).write(to: paths[1])
        let process = Process()
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments = paths.map(\.path)
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Unreachable(reason: "python3 ended with status \(process.terminationStatus)")
        }
        return String(decoding: try Data(contentsOf: paths[2]), as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    /// The scanner's summary: `0`, or `1`, the kind, for objects all members (key in hex, byte range, kind), and what
    /// `RequestLine` makes of it.
    static func summary(of text: [UInt8]) -> String {
        text.withUnsafeBytes { bytes in
            do throws(JSONFault) {
                let kind = try JSONScanner.validate(bytes)
                return kind == .object ? "1 object" + (try members(bytes)) + request(bytes) : "1 \(kind.rawValue)"
            } catch {
                return "0"
            }
        }
    }

    private static func members(_ bytes: UnsafeRawBufferPointer) throws(JSONFault) -> String {
        var out = ""
        var scanner = JSONScanner(bytes)
        try scanner.members { (scanner: inout JSONScanner, key: JSONToken) throws(JSONFault) in
            let value = try scanner.value()
            out +=
                " \(hex(scanner.raw(key))):\(value.range.lowerBound):\(value.range.upperBound):\(value.kind.rawValue)"
        }
        try scanner.finish()
        return out
    }

    private static func request(_ bytes: UnsafeRawBufferPointer) -> String {
        guard let line = try? RequestLine.parse(bytes) else { return " no request" }
        func text(_ token: JSONToken?) -> String {
            guard let token else { return "-" }
            return token.kind == .string
                ? hex(UnsafeRawBufferPointer(rebasing: bytes[token.range])) : token.kind.rawValue
        }
        let keys = line.duplicateKeys.map { hex(of: Array($0.utf8)) }.joined(separator: ",")
        return " |\(text(line.customID))|\(text(line.model))|\(text(line.stream))|\(line.inputCount)|\(keys)"
    }

    /// The unescaped text of a string token in hex.
    private static func hex(_ token: UnsafeRawBufferPointer) -> String {
        JSONText.unescaped(token).map { "x" + hex(of: $0) } ?? "?"
    }

    private static func hex(of bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }

    private static let script = #"""
        import json, re, sys

        class Num(str):
            pass

        class Obj(list):
            pass

        def refuse(text):
            raise ValueError(text)

        decoder = json.JSONDecoder(
            object_pairs_hook=Obj, parse_constant=refuse, parse_int=Num, parse_float=Num)
        space = re.compile(r"[ \t\n\r]*")

        def check(value):
            waiting = [(value, 1)]
            while waiting:
                value, depth = waiting.pop()
                if isinstance(value, list):
                    if depth > 128:
                        raise ValueError("depth")
                    for item in value:
                        if isinstance(value, Obj):
                            item[0].encode("utf-8")
                            item = item[1]
                        waiting.append((item, depth + 1))
                elif isinstance(value, str):
                    value.encode("utf-8")

        def kind(value):
            if value is None: return "null"
            if value is True: return "true"
            if value is False: return "false"
            for type_, name in ((Obj, "object"), (list, "array"), (Num, "number"), (str, "string")):
                if isinstance(value, type_): return name

        def members(text):
            ascii = text.isascii()
            at = space.match(text, space.match(text, 0).end() + 1).end()
            out = []
            while text[at] != "}":
                key, at = json.decoder.scanstring(text, at + 1, True)
                at = space.match(text, at).end()
                at = space.match(text, at + 1).end()
                value, end = decoder.scan_once(text, at)
                first, last = (at, end) if ascii else (len(text[:at].encode()), len(text[:end].encode()))
                out.append(" x%s:%d:%d:%s" % (key.encode().hex(), first, last, kind(value)))
                at = space.match(text, end).end()
                if text[at] == ",":
                    at = space.match(text, at + 1).end()
            return "".join(out)

        def shown(pairs, name):
            for key, value in pairs:
                if key == name:
                    return "x" + value.encode().hex() if kind(value) == "string" else kind(value)
            return "-"

        def count(value):
            if kind(value) != "array": return 1
            return 1 if value and kind(value[0]) == "number" else len(value)

        def request(pairs):
            seen, twice, body, has_body, inputs = set(), [], [], False, 0
            for key, value in pairs:
                if key in seen and key not in twice: twice.append(key)
                seen.add(key)
                if key == "body" and not has_body:
                    has_body = True
                    if kind(value) == "object":
                        body = value
                        inner = set()
                        for field, content in value:
                            if field in inner and field in ("model", "stream") and "body." + field not in twice:
                                twice.append("body." + field)
                            inner.add(field)
                            if field == "input": inputs += count(content)
            keys = ",".join(key.encode().hex() for key in twice)
            return " |%s|%s|%s|%d|%s" % (
                shown(pairs, "custom_id"), shown(body, "model"), shown(body, "stream"), inputs, keys)

        def summary(raw):
            try:
                text = raw.decode("utf-8")
                if text.startswith("\ufeff"): return "0"
                value = decoder.decode(text)
                check(value)
            except (ValueError, RecursionError):
                return "0"
            if kind(value) != "object": return "1 " + kind(value)
            return "1 object" + members(text) + request(value)

        data = open(sys.argv[1], "rb").read()
        with open(sys.argv[2], "w") as out:
            at = 0
            while at < len(data):
                size = int.from_bytes(data[at:at + 4], "little")
                out.write(summary(data[at + 4:at + 4 + size]) + "\n")
                at += 4 + size
        """#
}
