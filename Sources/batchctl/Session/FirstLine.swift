// SPDX-License-Identifier: Apache-2.0
internal import BatchClient
internal import BatchCore
internal import Glibc

/// What the first request line of a file names as its path.
enum FirstLine: Hashable, Sendable {
    /// It names this path; `line` is 1-based.
    case names(String, line: Int)
    /// It names none; `why` completes "line 3 of FILE …".
    case namesNothing(line: Int, why: String)
    /// There is no request line; `why` completes "FILE …".
    case isMissing(why: String)

    /// Longest first line that is looked at, in bytes.
    static let lineBytesMax = 64 << 20

    private struct Found: Error {
        var line: FirstLine
    }

    /// Reads the file up to the end of its first line that is not blank. Blocks.
    static func read(_ path: String, lineBytesMax: Int) throws(ClientError) -> FirstLine {
        let reader = try FileReader(path)
        var splitter = LineSplitter(lineBytesMax: lineBytesMax)
        let take = { (line: FileLine) throws in
            if line.isTooLong { throw Found(line: .namesNothing(line: line.number, why: "is too long")) }
            guard !line.bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) else { return }
            throw Found(line: url(of: line.bytes, line: line.number))
        }
        do {
            while try reader.next({ try splitter.feed($0, take) }) {
                if let format = splitter.format {
                    return .isMissing(why: "is \(format.rawValue), not JSON lines")
                }
            }
            try splitter.finish(take)
        } catch let found as Found {
            return found.line
        } catch let error as ClientError {
            throw error
        } catch {
            return .isMissing(why: "cannot be read: \(error)")
        }
        if let format = splitter.format { return .isMissing(why: "is \(format.rawValue), not JSON lines") }
        return .isMissing(why: "holds blank lines only")
    }

    /// Where the file first names another path than `url`; nil when all lines that name one name the same. Blocks.
    static func other(
        than url: String, in path: String, lineBytesMax: Int
    ) throws(ClientError) -> (url: String, line: Int)? {
        let reader = try FileReader(path)
        var splitter = LineSplitter(lineBytesMax: lineBytesMax)
        let take = { (line: FileLine) throws in
            guard !line.isTooLong, case .names(let other, let number) = Self.url(of: line.bytes, line: line.number),
                other != url
            else { return }
            throw Found(line: .names(other, line: number))
        }
        do {
            while try reader.next({ try splitter.feed($0, take) }), splitter.format == nil {}
            if splitter.format == nil { try splitter.finish(take) }
        } catch let found as Found {
            if case .names(let other, let line) = found.line { return (other, line) }
        } catch let error as ClientError {
            throw error
        } catch {
            throw .localFile("\(path) cannot be read: \(error)")
        }
        return nil
    }

    /// What the line in `bytes` names.
    static func url(of bytes: UnsafeRawBufferPointer, line: Int) -> FirstLine {
        var token: JSONToken?
        do {
            var scanner = JSONScanner(bytes)
            try scanner.start()
            guard try scanner.kind() == .object else {
                return .namesNothing(line: line, why: "is not a JSON object")
            }
            try scanner.members { scanner, key throws(JSONFault) in
                let name = JSONText.unescaped(UnsafeRawBufferPointer(rebasing: bytes[key.range]))
                let value = try scanner.value()
                if let name, name.elementsEqual("url".utf8) { token = value }
            }
        } catch {
            return .namesNothing(line: line, why: "is not valid JSON")
        }
        guard let token else { return .namesNothing(line: line, why: "has no \"url\"") }
        guard token.kind == .string,
            let text = JSONText.unescaped(UnsafeRawBufferPointer(rebasing: bytes[token.range])),
            text.first == UInt8(ascii: "/")
        else { return .namesNothing(line: line, why: "has a \"url\" that is no path such as /v1/chat/completions") }
        return .names(String(decoding: text, as: UTF8.self), line: line)
    }
}
