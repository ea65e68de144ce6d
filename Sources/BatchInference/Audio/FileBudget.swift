// SPDX-License-Identifier: Apache-2.0
import Curl
import Synchronization

/// Counts the bytes of audio files in memory, so that many large ones at once stay within a bound.
package final class FileBudget: Sendable {
    /// Most bytes of one file.
    let fileBytesMax: Int
    private let bytesMax: Int
    private let taken = Atomic<Int>(0)
    private let kept = Mutex<[Kept]>([])

    /// Files that were fetched this long ago and still wait for a place at a backend make room for others.
    private static let keptFor = Duration.seconds(10)

    private struct Kept {
        weak var upload: LineUpload?
        let since: ContinuousClock.Instant
    }

    /// A budget that nothing was taken from.
    init(_ rules: AudioRules) {
        fileBytesMax = rules.fileBytesMax
        bytesMax = rules.heldBytesMax
    }

    /// Whether another file of any allowed size may be fetched at `now`. If not, files that have waited too long are
    /// dropped for it; else a call's end makes room.
    package func hasRoom(at now: ContinuousClock.Instant) -> Bool { hasRoom || makeRoom(at: now) }

    private var hasRoom: Bool { taken.load(ordering: .relaxed) + fileBytesMax <= bytesMax }

    /// Bytes in use.
    package var bytesTaken: Int { taken.load(ordering: .relaxed) }

    /// Takes so many bytes; nil when there is no room for them.
    func take(_ bytes: Int, at now: ContinuousClock.Instant) -> FileHold? {
        if let hold = tryTaking(bytes) { return hold }
        makeRoom(at: now)
        return tryTaking(bytes)
    }

    /// Remembers a file that waits to be sent.
    func keep(_ upload: LineUpload, at now: ContinuousClock.Instant) {
        kept.withLock { kept in
            kept.removeAll { $0.upload == nil }
            kept.append(Kept(upload: upload, since: now))
        }
    }

    /// Drops files that have waited too long for their backends: their lines fetch them again. Returns whether there is
    /// room then.
    @discardableResult
    func makeRoom(at now: ContinuousClock.Instant) -> Bool {
        let old = kept.withLock { kept -> [LineUpload] in
            // In the order of time: as long as the first is young there is nothing to look for.
            let count = kept.prefix { now - $0.since >= Self.keptFor }.count
            guard count > 0 else { return [] }
            defer { kept.removeFirst(count) }
            return kept.prefix(count).compactMap(\.upload)
        }
        for upload in old { upload.drop() }
        return hasRoom
    }

    private func tryTaking(_ bytes: Int) -> FileHold? {
        let (_, sum) = taken.add(bytes, ordering: .relaxed)
        guard sum <= bytesMax else {
            taken.subtract(bytes, ordering: .relaxed)
            return nil
        }
        return FileHold(self, bytes)
    }

    /// Bytes are free again.
    fileprivate func give(_ bytes: Int) { taken.subtract(bytes, ordering: .relaxed) }
}

/// Bytes taken from a budget until this is gone.
final class FileHold: Sendable {
    private let budget: FileBudget
    private let bytes: Atomic<Int>

    fileprivate init(_ budget: FileBudget, _ bytes: Int) {
        self.budget = budget
        self.bytes = Atomic(bytes)
    }

    deinit { budget.give(bytes.load(ordering: .relaxed)) }

    /// Gives back what turned out not to be needed.
    func shrink(to count: Int) {
        let before = bytes.exchange(count, ordering: .relaxed)
        budget.give(before - count)
    }
}

/// The form of an audio line, its file included, ready to be sent.
package final class LineUpload: Sendable, Hashable {
    private enum State {
        case waiting(UploadBytes)
        case sending(UploadBytes)
        case dropped
    }

    private let state: Mutex<State>

    /// A form that waits to be sent.
    init(_ form: [UInt8], hold: FileHold) { state = Mutex(.waiting(UploadBytes(form, hold))) }

    /// The form for a call; nil when it was dropped to make room.
    func take() -> UploadBytes? {
        state.withLock { state in
            switch state {
            case .waiting(let bytes), .sending(let bytes):
                state = .sending(bytes)
                return bytes
            case .dropped: return nil
            }
        }
    }

    /// Gives the memory up, unless the form is being sent.
    func drop() {
        // What goes gives its bytes back: not under the lock.
        let gone = state.withLock { state -> UploadBytes? in
            guard case .waiting(let bytes) = state else { return nil }
            state = .dropped
            return bytes
        }
        withExtendedLifetime(gone) {}
    }

    /// One object, one upload.
    package static func == (left: LineUpload, right: LineUpload) -> Bool { left === right }

    /// By identity.
    package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

/// The bytes of a form, which keep their part of the budget as long as anybody reads them.
final class UploadBytes: Sendable {
    /// The form.
    let form: [UInt8]
    private let hold: FileHold

    /// Bytes that `hold` stands for.
    init(_ form: [UInt8], _ hold: FileHold) {
        self.form = form
        self.hold = hold
    }

    /// The form for a call. The array never changes, and this object keeps it where it is.
    var shared: SharedBytes { SharedBytes(owner: self, form.withUnsafeBytes { $0 }) }
}
