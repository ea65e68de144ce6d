// SPDX-License-Identifier: Apache-2.0
package import BatchCore
import Curl
import Glibc

/// Sends lines to backends: the body as the user wrote it, the answer as the backend gave it.
package final class LineCaller: LineCalling {
    private let engines: CallEngines
    private let worker: WorkerID
    private let names = RequestNames()

    /// Calls over `engines`, in the name of `worker`.
    package init(engines: CallEngines, worker: WorkerID) {
        self.engines = engines
        self.worker = worker
    }

    /// See ``LineCalling/start(_:at:as:_:)``.
    package func start(
        _ request: LineRequest, at place: Reservation, as call: CallHandle,
        _ done: @escaping @Sendable (AttemptResult) -> Void
    ) -> AttemptResult? {
        let name = names.next()
        var draft = OutcomeDraft(request: request, worker: worker.rawValue, startedMilliseconds: WallClock.milliseconds)
        guard let stop = place.stop else {
            return .finished(draft.success(of: TestModel.answer(id: name, unixSeconds: WallClock.milliseconds / 1_000)))
        }
        draft.backend = stop.backend.configuration.name
        let started = ContinuousClock.now
        let timeLeft = request.windowEnds - started
        guard timeLeft > .zero, !call.isAborted else {
            place.cancel()
            return timeLeft > .zero ? .aborted : .windowOver
        }
        let judge = ReplyJudge(
            request: request, place: place, backend: stop.backend, draft: draft, started: started, timeLeft: timeLeft)
        let running = engines.next().start(Self.call(request, name, to: stop, timeLeft: timeLeft)) { reply in
            done(judge.judge(reply))
        }
        call.attach(running)
        return nil
    }

    private static func call(
        _ request: LineRequest, _ name: String, to stop: Route.Stop, timeLeft: Duration
    ) -> HTTPRequest {
        let configuration = stop.backend.configuration
        return HTTPRequest(
            method: "POST", url: stop.url, prepared: stop.backend.headers, stamp: name, body: request.body,
            timeouts: Timeouts(
                connect: configuration.connectTimeout, firstByte: configuration.firstByteTimeout,
                idle: configuration.idleTimeout, total: min(configuration.totalTimeout, timeLeft)),
            responseBytesMax: configuration.responseBytesMax)
    }
}

/// The wall clock: for records only, never for decisions about leases.
enum WallClock {
    /// Milliseconds since 1970.
    static var milliseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}
