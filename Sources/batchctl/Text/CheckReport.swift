// SPDX-License-Identifier: Apache-2.0
internal import BatchCore

/// What `validate` found. Pure.
struct CheckReport: Sendable {
    /// The file as it was named.
    var path: String
    /// Its size in bytes.
    var bytes: Int64
    /// Its physical lines.
    var lineCount: Int
    /// Its request lines: those that are not blank.
    var requestCount: Int
    /// The path every line was held against.
    var endpoint: String
    /// The model of the first line; nil when it has none.
    var model: String?
    /// What is wrong; the last entry counts those beyond the cap.
    var problems: [LineProblem]

    /// One line for each problem: `input.jsonl:3: message [code, field]`.
    var lines: [String] {
        problems.map { problem in
            let place = problem.line.map { "\(path):\($0)" } ?? path
            return PlainText.safe(
                "\(place): " + BatchText.labelled(problem.message, code: problem.code, param: problem.param))
        }
    }

    /// One sentence about the file as a whole.
    var summary: String {
        let facts = [
            "\(Quantities.count(Int64(requestCount), "request"))", Quantities.size(bytes), endpoint, model,
        ].compactMap { $0 }
        let verdict = problems.isEmpty ? "no problems" : "NOT valid: \(problemCount)"
        return PlainText.safe("\(path): \(verdict) (\(facts.joined(separator: ", ")))")
    }

    /// The whole report as one object.
    var json: JSONValue {
        .object([
            .init("file", .string(path)),
            .init("valid", .bool(problems.isEmpty)),
            .init("bytes", .integer(bytes)),
            .init("lines", .integer(Int64(lineCount))),
            .init("requests", .integer(Int64(requestCount))),
            .init("endpoint", .string(endpoint)),
            .init("model", JSONValue(model)),
            .init("problems", .array(problems.map(Self.object))),
        ])
    }

    private var problemCount: String {
        let isCut = problems.last?.code == LineProblem.Code.problemsCut.rawValue
        let listed = Int64(problems.count) - (isCut ? 1 : 0)
        return isCut ? "more than \(Quantities.count(listed, "problem"))" : Quantities.count(listed, "problem")
    }

    private static func object(_ problem: LineProblem) -> JSONValue {
        .object([
            .init("code", .string(problem.code)),
            .init("line", JSONValue(problem.line.map(Int64.init))),
            .init("message", .string(problem.message)),
            .init("param", JSONValue(problem.param)),
        ])
    }
}
