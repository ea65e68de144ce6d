// SPDX-License-Identifier: Apache-2.0
import CEpoll
import Glibc

/// The HTTP server behind the benches: one thread, one event queue, and an answer that is known in advance.
///
/// It is fast enough to stay out of the picture and keeps its own account of every call. One thread uses it, from
/// `init` to the end.
final class BackendServer {
    private let plan: BackendPlan
    private let queue: Int32
    private let listener: Int32
    private let timer: Int32
    private var connections: [BackendConnection?] = []
    private var generations: UInt64 = 0
    private var due = DueQueue()
    private var armedFor: Int64?
    private var counters = BackendCounters()
    private var random: SeededNumbers
    private var log: CallLogWriter?
    private let buffer: UnsafeMutableRawBufferPointer

    /// Connections waiting to be accepted.
    private static let backlog: Int32 = 8_192
    /// Events taken at once.
    private static let eventsMax = 512
    /// Bytes read at once.
    private static let bufferBytes = 64 << 10
    /// How often to see whether whoever started us still lives, in milliseconds.
    private static let lookMilliseconds: Int32 = 1_000

    /// Listens on loopback, and is ready for connections when it returns.
    init(_ plan: BackendPlan) throws {
        self.plan = plan
        random = SeededNumbers(seed: plan.seed)
        log = try plan.logPath.map { try CallLogWriter(path: $0) }
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        queue = epoll_create1(cepoll_cloexec)
        timer = timerfd_create(CLOCK_MONOTONIC, cepoll_timer_flags)
        buffer = .allocate(byteCount: Self.bufferBytes, alignment: 16)
        guard listener >= 0, queue >= 0, timer >= 0 else { throw Self.fault("open its descriptors") }
        var one: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(plan.port).bigEndian
        address.sin_addr = in_addr(s_addr: UInt32(0x7F00_0001).bigEndian)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard bound == 0, listen(listener, Self.backlog) == 0 else { throw Self.fault("listen on port \(plan.port)") }
        Self.prepare(listener)
        try watch(listener, cepoll_in, EPOLL_CTL_ADD)
        try watch(timer, cepoll_in, EPOLL_CTL_ADD)
    }

    deinit {
        for descriptor in [queue, listener, timer] where descriptor >= 0 { close(descriptor) }
        buffer.deallocate()
    }

    /// The port it listens on.
    var port: Int {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            _ = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(listener, $0, &length) }
        }
        return Int(in_port_t(bigEndian: address.sin_port))
    }

    /// Serves until `parent`, the process that started this one, is gone.
    func run(parent: Int32) throws {
        var events = [epoll_event](repeating: epoll_event(), count: Self.eventsMax)
        while getppid() == parent {
            let count = epoll_wait(queue, &events, Int32(events.count), Self.lookMilliseconds)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw Self.fault("wait for events") }
            for event in events[..<Int(count)] { try take(event) }
            try answerDue()
            try log?.flush()
        }
    }

    private func take(_ event: epoll_event) throws {
        let descriptor = event.data.fd
        if descriptor == listener { return try accept() }
        if descriptor == timer {
            var expirations: UInt64 = 0
            _ = read(timer, &expirations, MemoryLayout<UInt64>.size)
            armedFor = nil
            return
        }
        guard let connection = connections[Int(descriptor)] else { return }
        if event.events & cepoll_in != 0 {
            guard connection.receive(buffer) else { return forget(connection, as: CallRecord.abandoned) }
            try serve(connection)
        } else if event.events & cepoll_gone != 0 {
            return forget(connection, as: CallRecord.abandoned)
        }
        if event.events & cepoll_out != 0 { try send(connection) }
    }

    private func accept() throws {
        while true {
            let descriptor = Glibc.accept(listener, nil, nil)
            guard descriptor >= 0 else {
                // Nobody waits any more, or a connection died before it was taken; a full table passes.
                return
            }
            Self.prepare(descriptor)
            generations += 1
            while connections.count <= Int(descriptor) { connections.append(nil) }
            connections[Int(descriptor)] = BackendConnection(socket: descriptor, generation: generations)
            counters.connections += 1
            try watch(descriptor, cepoll_in, EPOLL_CTL_ADD)
        }
    }

    /// Takes up what has been received, as long as no call is under way.
    private func serve(_ connection: BackendConnection) throws {
        var taken = 0
        reading: while connection.call == nil {
            let request = connection.input.withUnsafeBytes { bytes in
                let rest = UnsafeRawBufferPointer(rebasing: bytes[taken...])
                let reading = BackendRequest.read(rest)
                guard case .whole(let request) = reading else { return (reading, LineMarker?.none) }
                return (reading, LineMarker.find(in: UnsafeRawBufferPointer(rebasing: rest[request.body])))
            }
            switch request {
            case (.incomplete, _): break reading
            case (.invalid, _): return forget(connection, as: CallRecord.abandoned)
            case (.whole(let whole), let marker):
                taken += whole.body.upperBound
                guard answer(whole, marker ?? LineMarker(tag: 0, number: 0), on: connection) else { return }
            }
        }
        connection.input.removeFirst(taken)
        try send(connection)
    }

    /// Answers at once or later; false when the connection is closed by that.
    private func answer(
        _ request: BackendRequest, _ marker: LineMarker, on connection: BackendConnection
    ) -> Bool {
        switch (request.method, request.path) {
        case ("POST", "/cut"):
            let others = connections.compactMap { $0 }.filter { $0 !== connection }
            for other in others {
                other.makeAbrupt()
                forget(other, as: CallRecord.cut)
            }
            BackendAnswer.appendResponse(status: "200 OK", body: #"{"cut":\#(others.count)}"#, to: &connection.output)
        case ("POST", _):
            begin(request, marker, on: connection)
        case ("GET", "/stats"):
            BackendAnswer.appendResponse(status: "200 OK", body: counters.json, to: &connection.output)
        default:
            BackendAnswer.appendFault(status: 404, reason: "Not Found", retryAfter: nil, to: &connection.output)
        }
        return true
    }

    private func begin(_ request: BackendRequest, _ marker: LineMarker, on connection: BackendConnection) {
        let now = MonotonicNanoseconds.now()
        counters.calls += 1
        if let slots = plan.slots, counters.in_flight >= slots {
            counters.refused += 1
            BackendAnswer.appendFault(
                status: 429, reason: "Too Many Requests", retryAfter: plan.retryAfter, to: &connection.output)
            log?.append(
                CallRecord(
                    marker: marker, began: now / 1_000, ended: now / 1_000, status: 429, caller: request.caller))
            return
        }
        counters.in_flight += 1
        counters.peak_in_flight = max(counters.peak_in_flight, counters.in_flight)
        connection.call = BackendConnection.Call(
            marker: marker, began: now / 1_000, caller: request.caller,
            fails: plan.failRatio > 0 && random.unit() < plan.failRatio)
        let latency = random.duration(in: plan.latency)
        guard latency > .zero else { return end(connection, at: now) }
        due.insert(
            DueQueue.Entry(
                due: now + latency.nanoseconds, socket: connection.socket, generation: connection.generation))
    }

    /// Writes the answer of the call under way.
    private func end(_ connection: BackendConnection, at now: Int64) {
        guard let call = connection.call else { return }
        connection.call = nil
        counters.in_flight -= 1
        if call.fails {
            counters.failed += 1
            BackendAnswer.appendFault(
                status: 500, reason: "Internal Server Error", retryAfter: nil, to: &connection.output)
        } else {
            counters.answered += 1
            BackendAnswer.appendResponse(call.marker, to: &connection.output)
        }
        log?.append(
            CallRecord(
                marker: call.marker, began: call.began, ended: now / 1_000, status: call.fails ? 500 : 200,
                caller: call.caller))
    }

    /// Answers every call whose time has come, and sets the timer for the next.
    private func answerDue() throws {
        while let entry = due.pop(at: MonotonicNanoseconds.now()) {
            guard let connection = connections[Int(entry.socket)], connection.generation == entry.generation else {
                continue
            }
            end(connection, at: MonotonicNanoseconds.now())
            try serve(connection)
        }
        guard let first = due.first, first < armedFor ?? .max else { return }
        var setting = itimerspec()
        setting.it_value = timespec(tv_sec: Int(first / 1_000_000_000), tv_nsec: Int(first % 1_000_000_000))
        guard timerfd_settime(timer, cepoll_timer_absolute, &setting, nil) == 0 else {
            throw Self.fault("set its timer")
        }
        armedFor = first
    }

    private func send(_ connection: BackendConnection) throws {
        guard !connection.output.isEmpty || connection.waitsToWrite else { return }
        guard connection.send() else { return forget(connection, as: CallRecord.abandoned) }
        let waits = !connection.output.isEmpty
        guard waits != connection.waitsToWrite else { return }
        connection.waitsToWrite = waits
        try watch(connection.socket, waits ? cepoll_in | cepoll_out : cepoll_in, EPOLL_CTL_MOD)
    }

    /// Closes a connection; a call under way ends with that status.
    private func forget(_ connection: BackendConnection, as status: Int) {
        if let call = connection.call {
            counters.in_flight -= 1
            if status == CallRecord.abandoned { counters.abandoned += 1 }
            log?.append(
                CallRecord(
                    marker: call.marker, began: call.began, ended: CallRecord.now(), status: status,
                    caller: call.caller))
        }
        // The kernel takes a descriptor out of the queue when it is closed.
        connections[Int(connection.socket)] = nil
        counters.connections -= 1
    }

    private func watch(_ descriptor: Int32, _ events: UInt32, _ operation: Int32) throws {
        var event = epoll_event()
        event.events = events
        event.data.fd = descriptor
        guard epoll_ctl(queue, operation, descriptor, &event) == 0 else { throw Self.fault("watch a connection") }
    }

    private static func prepare(_ descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    private static func fault(_ what: String) -> BenchFault {
        BenchFault("the bench's backend cannot \(what): \(SystemReason.text(errno))")
    }
}
