// SPDX-License-Identifier: Apache-2.0

/// A `LineSplitter` and a `FileCheck` in one: chunks of a file in, accepted lines out, a verdict at the end.
package struct FileValidator {
    /// Gets an accepted line and its bytes, which are valid during the call only.
    package typealias Accept = (AcceptedLine, UnsafeRawBufferPointer) throws -> Void

    private var splitter: LineSplitter
    private var check: FileCheck

    /// A validator at the start of a file; see `FileCheck.init` for the parameters.
    package init(
        rules: LineRules, limits: FileLimits, key: HashKey, readBack: @escaping FileCheck.ReadBack
    ) {
        self.splitter = LineSplitter(lineBytesMax: rules.lineBytesMax)
        self.check = FileCheck(rules: rules, limits: limits, key: key, readBack: readBack)
    }

    /// True once anything is wrong: accepted lines need not be packed any more.
    package var hasProblems: Bool { check.hasProblems }

    /// True when the rest of the file need not be read, because it is no text.
    package var isRefused: Bool { splitter.format != nil }

    /// Takes the next bytes of the file. Throws what `accept` or reading back throws.
    package mutating func feed(_ chunk: UnsafeRawBufferPointer, accept: Accept) throws {
        try Self.feed(&splitter, &check, chunk, accept)
    }

    /// Takes the end of the file and gives the verdict.
    package mutating func finish(accept: Accept) throws -> FileVerdict {
        try Self.feed(&splitter, &check, nil, accept)
        if let format = splitter.format { check.refuse(format) }
        return check.finish()
    }

    /// Lines go from one to the other; nil is the end of the file.
    private static func feed(
        _ splitter: inout LineSplitter, _ check: inout FileCheck, _ chunk: UnsafeRawBufferPointer?, _ accept: Accept
    ) throws {
        let take = { (line: FileLine) throws in
            if let accepted = try check.take(line) { try accept(accepted, line.bytes) }
        }
        if let chunk {
            try splitter.feed(chunk, take)
        } else {
            try splitter.finish(take)
        }
    }
}
