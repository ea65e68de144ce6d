// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The first invariant of a finished batch, checked by a script that uses nothing of the product.
package struct ResultCheck: Decodable, Sendable, Hashable {
    /// Lines of the input.
    package let lines: Int
    /// Lines in the output file.
    package let completed: Int
    /// Executed lines in the error file.
    package let failed: Int
    /// Lines in the error file that were never executed.
    package let unexecuted: Int
    /// Calls that the backend received; 0 without its log.
    package let calls: Int
    /// Lines that the backend answered with success more than once.
    package let computed_twice: Int

    /// Downloads the files of a terminal batch and checks them: every line exactly once, in input order, under its own
    /// id, bodies byte-exact; and that the batch's counts say the same. Throws with the first problems.
    package static func run(
        _ batch: BatchView, input: [UInt8], from server: ServerAddress, backend: Backend? = nil, in scratch: Scratch
    ) async throws -> ResultCheck {
        var arguments = [Products.script("check_results.py")]
        func add(_ option: String, _ bytes: [UInt8]) throws {
            let path = scratch.path("check\(option)")
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            arguments += [option, path]
        }
        try add("--input", input)
        if let id = batch.output_file_id { try add("--output", await server.content(id)) }
        if let id = batch.error_file_id { try add("--errors", await server.content(id)) }
        if let backend { arguments += ["--log", backend.logPath] }
        let process = try ChildProcess(Products.python(), arguments, name: "check", in: scratch)
        let end = try await process.end()
        guard end == .exited(0) else { throw HarnessError("batch \(batch.id): \(process.errors)\(process.output)") }
        let check = try JSONDecoder().decode(ResultCheck.self, from: Data(process.output.utf8))
        let counts = BatchView.Counts(total: check.lines, completed: check.completed, failed: check.failed)
        guard counts == batch.request_counts else {
            throw HarnessError("batch \(batch.id) says \(batch.request_counts), its files hold \(check)")
        }
        return check
    }
}
