// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import BatchFiles
internal import BatchStore
internal import Synchronization

/// An input file while it is checked, filtered and packed. Looking up an earlier line waits for the vault, so that
/// ``feed(_:)`` and ``finish()`` are called on threads that may block.
final class FileReading: Sendable {
    private struct State: ~Copyable {
        var validator: FileValidator
        var filter: RetryFilter
        var packer: ShardPacker
    }

    private let state: Mutex<State>

    /// A reading from the first byte on, of the blob `vaultKey`.
    init(
        rules: LineRules, limits: FileLimits, filter: sending RetryFilter, packer: sending ShardPacker,
        vault: any FileVault, vaultKey: String
    ) {
        var generator = SystemRandomNumberGenerator()
        let key = HashKey(low: generator.next(), high: generator.next())
        let validator = FileValidator(rules: rules, limits: limits, key: key) { offset, length in
            try vault.readBack(vaultKey, offset: offset, length: length)
        }
        state = Mutex(State(validator: validator, filter: filter, packer: packer))
    }

    /// Takes the next bytes; tells whether anything is wrong so far, and whether the rest need not be read.
    func feed(_ piece: [UInt8]) throws -> (hasProblems: Bool, isRefused: Bool) {
        try state.withLock { state in
            try piece.withUnsafeBytes { bytes in
                try state.validator.feed(bytes) { line, text in
                    if state.filter.takes(line, text) { try state.packer.add(line, text) }
                }
            }
            return (state.validator.hasProblems, state.validator.isRefused)
        }
    }

    /// Takes the end of the file.
    func finish() throws -> FileVerdict {
        try state.withLock { state in
            try state.validator.finish { line, text in
                if state.filter.takes(line, text) { try state.packer.add(line, text) }
            }
        }
    }

    /// Lets the filter see what the next `count` bytes can match; between two feeds.
    func readAhead(_ count: Int) async throws {
        // Taken out, so that what it holds is not copied when it changes.
        var filter = state.withLock { state in
            defer { state.filter = RetryFilter() }
            return state.filter
        }
        try await filter.readAhead(count)
        state.withLock { $0.filter = filter }
    }

    /// Requires that the filter found everything, and packs the last lines.
    ///
    /// - Throws: ``RetryFault``.
    func finishPacking() throws {
        try state.withLock { state in
            try state.filter.finish()
            state.packer.finish()
        }
    }

    /// Raw bytes of shards that are ready.
    var finishedBytes: Int { state.withLock { $0.packer.finishedBytes } }

    /// Lines packed.
    var lineCount: Int { state.withLock { $0.packer.lineCount } }

    /// The shards that are ready; they are the caller's from now on.
    func takeShards() -> [DraftShard] { state.withLock { $0.packer.takeFinished() } }
}
