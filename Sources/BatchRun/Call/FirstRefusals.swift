// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Loops
import Synchronization

/// Holds the first results back while the server refuses every call with 401 or 403: then the key is wrong rather than
/// the lines, and a run that was given up early and recorded none of them can go on with another key.
final class FirstRefusals: Sendable {
    /// What is recorded of a line.
    struct Result: Sendable {
        /// Its result.
        let line: FinishedLine
        /// The tokens of its answer.
        let usage: Usage
    }

    private struct State {
        var held: [Result] = []
        /// Lines without a recorded result.
        var remaining: Int
        /// Whether results are recorded as they come.
        var isOver: Bool
        var fault: RunError?
    }

    private let state: Mutex<State>
    private let refusalsMax: Int
    private let ended: StopFlag

    /// Nothing has been answered of `remaining` lines; raises `ended` after `refusalsMax` refusals, 0 = never.
    init(refusalsMax: Int, remaining: Int, ended: StopFlag) {
        state = Mutex(State(remaining: remaining, isOver: refusalsMax == 0))
        self.refusalsMax = refusalsMax
        self.ended = ended
    }

    /// Why the run was given up; nil when it was not.
    var fault: RunError? { state.withLock { $0.fault } }

    /// Takes in a result; returns those that are to be recorded now. `status` is what the server answered, 0 when it
    /// was not asked or did not answer.
    func take(_ result: Result, status: Int) -> [Result] {
        let (results, ends) = state.withLock { state -> ([Result], Bool) in
            guard !state.isOver else { return ([result], false) }
            switch status {
            case 401, 403:
                state.held.append(result)
                if state.held.count == refusalsMax { state.fault = giveUp(status) }
                if state.held.count >= refusalsMax { return ([], true) }
            case 0:
                state.remaining -= 1
                if state.held.count < state.remaining { return ([result], false) }
                state.held.append(result)
            default:
                state.held.append(result)
                state.remaining = 0
            }
            // The key is good for something, or no other line is left to tell.
            guard state.held.count >= state.remaining else { return ([], false) }
            state.isOver = true
            defer { state.held = [] }
            return (state.held, false)
        }
        if ends { ended.raise() }
        return results
    }

    private func giveUp(_ status: Int) -> RunError {
        RunError(
            .unreachable,
            "the first \(refusalsMax) calls were all refused, the last with status \(status): the key is wrong or has "
                + "not the right, see --api-key and OPENAI_API_KEY; none of these lines was recorded")
    }
}
