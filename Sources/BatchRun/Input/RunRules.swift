// SPDX-License-Identifier: Apache-2.0
import BatchCore

/// What the lines of a run must look like. (contracts: vLLM `run-batch`, lines)
struct RunRules: Sendable {
    /// The model every line must name, if it names one.
    let model: String?

    /// The paths whose lines are called; lines with others fail, each by itself.
    static let endpoints = [
        "/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses", "/v1/score", "/score",
        "/v1/rerank", "/v2/rerank", "/rerank", "/v1/audio/transcriptions", "/v1/audio/translations",
    ]

    /// The code of a line with another path.
    static let unsupportedURL = "unsupported_url"

    /// The rules of a single line.
    func lineRules(_ limits: RunLimits) -> LineRules {
        var rules = LineRules(endpoints: Self.endpoints, knowsModel: { _ in true })
        rules.allowsOtherURLs = true
        rules.allowsStream = true
        rules.requiresOneModel = false
        rules.requiresModel = model == nil
        rules.lineBytesMax = limits.lineBytesMax
        return rules
    }

    /// What is wrong with a line that those rules accept.
    func problems(_ line: AcceptedLine) -> [LineProblem] {
        var found: [LineProblem] = []
        if let model, let named = line.model, named != model {
            found.append(
                problem(
                    line, "mismatched_model", "body.model",
                    "asks for the model '\(named.prefix(80))', but --model says '\(model)'. Correct one of them, "
                        + "or leave --model away to allow any."))
        }
        return found
    }

    private func problem(_ line: AcceptedLine, _ code: String, _ param: String, _ finding: String) -> LineProblem {
        LineProblem(code: code, param: param, line: line.number, message: "Line \(line.number) \(finding)")
    }
}
