// SPDX-License-Identifier: Apache-2.0
package import BatchCore
import Curl
import Glibc

/// Sends lines to backends: the body as the user wrote it, the answer as the backend gave it.
package final class LineCaller: LineCalling {
    private let engines: CallEngines
    private let worker: WorkerID
    private let names = RequestNames()
    private let audio: AudioDesk

    /// Calls over `engines`, in the name of `worker`; `audio` says how files that lines name are fetched.
    package init(engines: CallEngines, worker: WorkerID, audio: AudioRules = AudioRules()) {
        self.engines = engines
        self.worker = worker
        self.audio = AudioDesk(rules: audio, engines: engines)
    }

    /// See ``LineCalling/files``.
    package var files: FileBudget? { audio.budget }

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
        let started = ContinuousClock.now
        let timeLeft = request.windowEnds - started
        guard timeLeft > .zero, !call.isAborted else {
            place.cancel()
            return timeLeft > .zero ? .aborted : .windowOver
        }
        var form: UploadBytes?
        if stop.isSpeech {
            form = request.upload?.take()
            if form == nil {
                place.cancel()
                return audio.prepare(
                    request, for: stop.backend, draft: draft, timeLeft: timeLeft, as: call, done)
            }
        }
        draft.backend = stop.backend.configuration.name
        let judge = ReplyJudge(
            request: request, place: place, backend: stop.backend, draft: draft, started: started, timeLeft: timeLeft,
            reader: AnswerReader(isSpeech: stop.isSpeech))
        let running = engines.next().start(Self.call(request, form, name, to: stop, timeLeft: timeLeft)) { reply in
            done(judge.judge(reply))
        }
        call.attach(running)
        return nil
    }

    private static func call(
        _ request: LineRequest, _ form: UploadBytes?, _ name: String, to stop: Route.Stop, timeLeft: Duration
    ) -> HTTPRequest {
        let configuration = stop.backend.configuration
        return HTTPRequest(
            method: "POST", url: stop.url,
            prepared: form == nil ? stop.backend.headers : stop.backend.formHeaders, stamp: name,
            body: form.map(\.shared) ?? request.body,
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
