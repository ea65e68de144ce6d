// SPDX-License-Identifier: Apache-2.0
internal import BatchRun

/// Shows a run while it lasts: the runner leaves numbers, a task paints them.
struct RunDisplay: Sendable {
    /// The run.
    let runner: BatchRunner
    /// Where it is shown.
    let narrator: Narrator
    /// What the input is called: a URL without its query.
    let input: String

    /// Runs to the end; a cancelled task stops the run in good order.
    func run() async throws -> RunReport {
        let painter = Task { await paint() }
        defer { painter.cancel() }
        let result: Result<RunReport, any Error>
        do {
            result = .success(
                try await withTaskCancellationHandler {
                    try await runner.run()
                } onCancel: {
                    runner.stop()
                    narrator.say("stopping: no more calls start; waiting for those in flight (again to stop at once)")
                })
        } catch {
            result = .failure(error)
        }
        painter.cancel()
        await painter.value
        narrator.clear()
        return try result.get()
    }

    private func paint() async {
        let began = ContinuousClock.now
        var stage: RunProgress.Stage?
        var meter = RateMeter(window: 10)
        while true {
            // What is over in a moment needs no progress. Cancellation ends the wait early.
            try? await Task.sleep(for: narrator.refreshInterval)
            if Task.isCancelled { return }
            let progress = runner.progress
            let seconds = (ContinuousClock.now - began) / .seconds(1)
            if progress.stage != stage { meter = RateMeter(window: 10) }
            stage = progress.stage
            meter.add(progress.done, at: seconds)
            narrator.show(state(progress, rate: meter.rate, elapsed: Int64(seconds)), time: seconds)
        }
    }

    private func state(_ progress: RunProgress, rate: Double?, elapsed: Int64) -> ProgressState {
        let (label, unit): (String, ProgressState.Unit) =
            switch progress.stage {
            case .reading: ("reading", .bytes)
            case .checking: ("checking", .bytes)
            case .comparing: ("comparing", .lines)
            case .running: ("running", .lines)
            case .uploading: ("sending results", .bytes)
            }
        let name = input.split(separator: "/").last.map { String($0.prefix { $0 != "?" }) } ?? input
        return ProgressState(
            label: "\(label) \(name)", done: progress.done, total: progress.total, unit: unit, failed: progress.failed,
            rate: rate, elapsed: elapsed)
    }
}
