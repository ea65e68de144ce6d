// SPDX-License-Identifier: Apache-2.0
internal import BatchClient
internal import BatchCore

/// Converts between a spreadsheet's comma-separated values and the JSON lines of a batch, as a stream: it takes the
/// memory of one record, whatever the size of the files.
struct Converting: Sendable {
    /// What becomes of what.
    enum Direction: Sendable {
        /// Each record, its first field the `custom_id` and its second the content, becomes a request.
        case requests(RequestForm, skipsHeader: Bool)
        /// Each result line becomes a record, below a record of names.
        case results
    }

    /// Which way.
    let direction: Direction
    /// Path of the input, or `-`.
    let input: String
    /// Path of the output, or `-`.
    let output: String
    /// How the comma-separated values are written.
    let encoding: TextEncoding
    /// Whether an existing output is replaced.
    let replaces: Bool
    /// Longest record or line, in bytes.
    let recordBytesMax: Int

    /// Converts everything, on a thread of its own, and returns how many lines or records there were.
    ///
    /// - Throws: ``ClientError`` for files, ``CommandFailure`` for what is wrong in the input, with its place.
    func run() async throws -> Int {
        let stop = StopFlag()
        let result: Result<Int, any Error> = try await withTaskCancellationHandler {
            try await BlockingQueue(label: "convert").run { () throws(ClientError) in
                do {
                    return .success(try convert(stop))
                } catch let fault as TextFault {
                    return .failure(CommandFailure(.problemsFound, sentence(fault)))
                } catch let fault as TextConverter.Unavailable {
                    return .failure(
                        ClientError.localFile(
                            "this system cannot convert \(fault.encoding.rawValue): its iconv module is not installed"))
                } catch {
                    return .failure(error)
                }
            }
        } onCancel: {
            stop.raise()
        }
        return try result.get()
    }

    private func convert(_ stop: StopFlag) throws -> Int {
        guard input == ConvertedFile.dash || input != output else {
            throw ClientError.localFile("\(input) is both input and output: name another output")
        }
        let reader = input == ConvertedFile.dash ? FileReader.standardInput() : try FileReader(input)
        let file = try ConvertedFile(output, replaces: replaces)
        let count =
            switch direction {
            case .requests(let form, let skipsHeader):
                try convertRecords(reader, stop) { record, count in
                    guard count > 0 || !skipsHeader else { return }
                    let (customID, content) = try Self.request(record)
                    try file.write { form.append(customID: customID, content: content, to: &$0) }
                } - (skipsHeader ? 1 : 0)
            case .results: try convertResults(reader, file, stop)
            }
        try file.finish()
        return max(0, count)
    }

    /// Reads comma-separated values and hands out every record that is not blank, and how many there were before it.
    private func convertRecords(
        _ source: FileReader, _ stop: StopFlag, _ take: (CSVRecord, Int) throws -> Void
    ) throws -> Int {
        let converter = try TextConverter(decoding: encoding)
        var reader = CSVReader(recordBytesMax: recordBytesMax)
        var count = 0
        func takeRecord(_ record: CSVRecord) throws {
            guard !record.isBlank else { return }
            try take(record, count)
            count += 1
        }
        var isAtStart = true
        var rest: [UInt8] = []
        var text: [UInt8] = []
        func feed(_ bytes: [UInt8], isLast: Bool) throws {
            text.removeAll(keepingCapacity: true)
            let end = bytes.withUnsafeBytes { converter.append($0, to: &text) }
            if isAtStart, !text.isEmpty {
                isAtStart = false
                if text.starts(with: TextEncoding.mark) { text.removeFirst(TextEncoding.mark.count) }
            }
            try text.withUnsafeBytes { try reader.feed($0, takeRecord) }
            switch end {
            case .complete: rest = []
            case .unfinished(let offset) where !isLast: rest = Array(bytes[offset...])
            case .unfinished, .impossible: throw unreadable(line: reader.line, column: reader.column)
            }
        }
        while try source.next({ try feed(rest + $0, isLast: false) }) {
            if stop.isRaised { throw ClientError.cancelled }
        }
        try feed(rest, isLast: true)
        try reader.finish(takeRecord)
        return count
    }

    private static func request(_ record: CSVRecord) throws -> (customID: [UInt8], content: [UInt8]) {
        guard record.fields.count >= 2 else {
            throw TextFault(
                line: record.line, column: nil,
                reason: "the record has one field; two are needed, the custom_id and the content, with a comma between")
        }
        guard !record.fields[0].isEmpty else {
            throw TextFault(line: record.line, column: 1, reason: "the first field, the custom_id, is empty")
        }
        return (record.fields[0], record.fields[1])
    }

    private func convertResults(_ source: FileReader, _ file: ConvertedFile, _ stop: StopFlag) throws -> Int {
        let converter = try TextConverter(encoding: encoding)
        if encoding == .utf8WithMark { try file.write { $0.append(contentsOf: TextEncoding.mark) } }
        var row: [UInt8] = []
        func write(_ fields: [[UInt8]], line: Int) throws {
            row.removeAll(keepingCapacity: true)
            CSVWriter.append(fields, to: &row)
            let end = try row.withUnsafeBytes { bytes in
                var end = TextConverter.End.complete
                try file.write { end = converter.append(bytes, to: &$0) }
                return end
            }
            guard case .complete = end else { throw unwritable(row, end, line: line) }
        }
        try write(ResultFields.names.map { Array($0.utf8) }, line: 0)
        var splitter = LineSplitter(lineBytesMax: recordBytesMax)
        var count = 0
        func takeLine(_ line: FileLine) throws {
            guard !line.isTooLong else {
                throw TextFault(
                    line: line.number, column: nil,
                    reason: "the line is longer than \(recordBytesMax) bytes; --max-record-bytes allows longer ones")
            }
            guard line.bytes.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) else { return }
            try write(try Self.fields(of: line).row, line: line.number)
            count += 1
        }
        while try source.next({ try splitter.feed($0, takeLine) }) {
            if stop.isRaised { throw ClientError.cancelled }
            if let format = splitter.format { throw Self.notLines(format) }
        }
        try splitter.finish(takeLine)
        if let format = splitter.format { throw Self.notLines(format) }
        return count
    }

    private static func fields(of line: FileLine) throws -> ResultFields {
        do throws(JSONFault) {
            return try ResultFields(line.bytes)
        } catch {
            throw TextFault(
                line: line.number, column: nil, reason: "the line is no JSON object with a result: \(error)")
        }
    }

    private static func notLines(_ format: FileFormat) -> TextFault {
        TextFault(line: 1, column: nil, reason: "the file looks like \(format.rawValue), not like JSON lines")
    }
}

extension Converting {
    private func unreadable(line: Int, column: Int) -> TextFault {
        let others = TextEncoding.allCases.filter { ($0 == .gbk) != (encoding == .gbk) }.map(\.rawValue)
        return TextFault(
            line: line, column: column,
            reason: "the bytes here are no character in \(encoding.rawValue); "
                + "is it --encoding \(others.joined(separator: " or "))?")
    }

    private func unwritable(_ row: [UInt8], _ end: TextConverter.End, line: Int) -> TextFault {
        var shown = ""
        if case .impossible(let offset) = end,
            let scalar = String(decoding: row[offset...].prefix(4), as: UTF8.self).unicodeScalars.first
        {
            shown = " '\(PlainText.safe(String(scalar)))' (U+\(String(scalar.value, radix: 16, uppercase: true)))"
        }
        return TextFault(
            line: line, column: nil,
            reason: "the result has a character\(shown) that \(encoding.rawValue) does not have; "
                + "use --encoding \(TextEncoding.utf8WithMark.rawValue)")
    }

    private func sentence(_ fault: TextFault) -> String {
        let name = input == ConvertedFile.dash ? "standard input" : PlainText.safe(input)
        return "\(name):\(fault.line):\(fault.column.map { "\($0):" } ?? "") \(fault.reason)"
    }
}
