// SPDX-License-Identifier: Apache-2.0

internal import Curl
internal import Dispatch
internal import Synchronization

/// Writes an object of unknown size: small ones in one request at the end, larger ones in parts that are on their way
/// while more bytes come. Nobody sees anything of it before ``finish()`` succeeds.
///
/// Memory is bounded: the part being filled, one waiting, and those in flight. Whoever appends more waits; tasks wait
/// in ``ready()`` before they append, threads may simply append.
package final class S3ObjectWriter: Sendable {
    private struct State {
        var filling: [UInt8] = []
        var waiting: [UInt8]?
        var inFlight: [Int: Task<Void, Never>] = [:]
        var sent: [S3Part] = []
        var parts = 0
        var total: Int64 = 0
        var upload: Task<String, any Error>?
        var fault: (any Error)?
        var isOver = false
        /// Whether there may be an object, and whether there is one for good.
        var end = End.none
        var tasks: [CheckedContinuation<Void, Never>] = []
        var threads: [DispatchSemaphore] = []
    }

    private enum End {
        case none, tried, reached
    }

    private let client: S3Client
    private let key: String
    private let state = Mutex(State())

    /// Will write `key`; nothing is sent yet.
    package init(_ client: S3Client, key: String) {
        self.client = client
        self.key = key
    }

    deinit {
        // What is left of the upload is found by its age.
        state.withLock { state in
            for task in state.inFlight.values { task.cancel() }
        }
    }

    /// Bytes taken so far.
    package var count: Int64 { state.withLock { $0.total } }

    /// Takes the next bytes; blocks the thread while no part can be taken.
    ///
    /// - Throws: why an earlier part could not be sent, or `CancellationError` after ``abandon()``.
    package func append(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while !rest.isEmpty {
            let place = DispatchSemaphore(value: 0)
            let taken = try state.withLock { state -> Int? in
                if let fault = state.fault { throw fault }
                if state.isOver { throw CancellationError() }
                let partBytes = partBytes(number: state.parts + (state.waiting == nil ? 1 : 2))
                if state.filling.count >= partBytes {
                    if state.waiting == nil {
                        state.waiting = state.filling
                        state.filling = []
                        launch(&state)
                    } else {
                        state.threads.append(place)
                        return nil
                    }
                }
                let count = min(rest.count, partBytes - state.filling.count)
                state.filling.append(contentsOf: rest[..<(rest.startIndex + count)])
                state.total += Int64(count)
                return count
            }
            if let taken {
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(taken))
            } else {
                place.wait()
            }
        }
    }

    /// Waits until a whole part can be appended without blocking, or something went wrong.
    package func ready() async {
        await waitUntil { $0.waiting == nil || $0.fault != nil || $0.isOver }
    }

    /// Sends the rest and makes the object; checks that the store has as many bytes as were appended.
    ///
    /// - Throws: ``S3Error``; call ``abandon()`` then.
    package func finish() async throws {
        let isSmall = state.withLock { state in
            state.end = .tried
            return state.parts == 0 && state.waiting == nil
        }
        if isSmall {
            let bytes = state.withLock { state in
                defer { state.filling = [] }
                return SharedBytes(state.filling)
            }
            try await client.put(key, bytes)
        } else {
            await ready()
            state.withLock { state in
                guard !state.filling.isEmpty, state.fault == nil else { return }
                state.waiting = state.filling
                state.filling = []
                launch(&state)
            }
            await waitUntil { $0.waiting == nil && $0.inFlight.isEmpty || $0.fault != nil || $0.isOver }
            try await complete()
        }
        let object = try await client.head(key)
        guard object.bytes == count else {
            throw S3Error(
                .damaged("the store has \(object.bytes) bytes of the \(count) that were sent"), operation: "write",
                place: client.place(key))
        }
        state.withLock { $0.end = .reached }
    }

    /// Gives the object up and removes what the store has of it, as far as the store can be reached; void once
    /// ``finish()`` has succeeded.
    ///
    /// - Parameter deletesObject: whether an object that ``finish()`` may have made goes, too: not where others write
    ///   the same key.
    package func abandon(deletesObject: Bool = true) async {
        let (tasks, upload, end) = state.withLock { state in
            guard state.end != .reached else {
                return ([Task<Void, Never>](), nil as Task<String, any Error>?, End.none)
            }
            state.isOver = true
            state.filling = []
            state.waiting = nil
            release(&state)
            return (Array(state.inFlight.values), state.upload, state.end)
        }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
        // What cannot be removed now is found by its age.
        if let upload, let id = try? await upload.value { try? await client.abortUpload(key, upload: id) }
        if end == .tried, deletesObject { try? await client.delete(key) }
    }

    private func complete() async throws {
        let (fault, upload, parts) = state.withLock { ($0.fault, $0.upload, $0.sent) }
        if let fault { throw fault }
        guard let upload else { throw CancellationError() }
        try await client.completeUpload(key, upload: try await upload.value, parts.sorted { $0.number < $1.number })
    }

    /// Doubled after every thousand parts, so that ten thousand reach for any object.
    private func partBytes(number: Int) -> Int {
        client.configuration.partBytes << min((number - 1) / 1_000, 9)
    }

    /// Sends the waiting part when there is a place for it.
    private func launch(_ state: inout State) {
        guard !state.isOver, state.fault == nil, let bytes = state.waiting,
            state.inFlight.count < client.configuration.partsInFlightMax
        else { return }
        state.waiting = nil
        state.parts += 1
        let (client, key, number) = (client, key, state.parts)
        let upload = state.upload ?? Task { try await client.createUpload(key) }
        state.upload = upload
        state.inFlight[number] = Task { [weak self] in
            let result: Result<S3Part, any Error>
            do {
                result = .success(
                    try await client.uploadPart(key, upload: try await upload.value, number: number, SharedBytes(bytes))
                )
            } catch {
                result = .failure(error)
            }
            self?.settle(number, result)
        }
        release(&state)
    }

    private func settle(_ number: Int, _ result: Result<S3Part, any Error>) {
        state.withLock { state in
            state.inFlight[number] = nil
            switch result {
            case .success(let part): state.sent.append(part)
            case .failure(let error): state.fault = state.fault ?? error
            }
            launch(&state)
            release(&state)
        }
    }

    /// Lets everyone who waits look again.
    private func release(_ state: inout State) {
        for task in state.tasks { task.resume() }
        for thread in state.threads { thread.signal() }
        state.tasks = []
        state.threads = []
    }

    private func waitUntil(_ isReached: @Sendable (borrowing State) -> Bool) async {
        while !state.withLock({ isReached($0) }) {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                state.withLock { state in
                    if isReached(state) { continuation.resume() } else { state.tasks.append(continuation) }
                }
            }
        }
    }
}
