// SPDX-License-Identifier: Apache-2.0

/// Writes the line of one outcome in a result file. (contracts: OpenAI result lines; Bailian result lines; Ark files)
package struct ResultLine: Sendable {
    /// Whose form it is.
    private enum Form {
        case openAI
        case bailian
        case ark
    }

    private let form: Form

    /// Whether an `error` also carries `error_code` and `error_message`, which Bailian's own scripts read, and whether
    /// a backend's error is told there too, beside its answer.
    private var repeatsErrorNames: Bool { form == .bailian }

    /// OpenAI's form of a result line.
    package static let openAI = ResultLine(form: .openAI)
    /// Bailian's form of a result line.
    package static let bailian = ResultLine(form: .bailian)
    /// Ark's form: a line without a successful answer has no `response`, but code, type and message of what went wrong.
    package static let ark = ResultLine(form: .ark)

    /// Appends the line of `outcome`, its LF included, to `out`.
    ///
    /// - Parameter id: what follows `batch_req_`; the same for a line whenever it is rendered. Also stands in for the
    ///   request id when the backend gave none.
    package func append(_ outcome: Outcome, id: [UInt8], to out: inout [UInt8]) {
        out.append(contentsOf: #"{"id":"#.utf8)
        Self.appendID(id, to: &out)
        out.append(contentsOf: #","custom_id":"#.utf8)
        out.append(contentsOf: outcome.customID)
        switch outcome.kind {
        case .success where form == .ark:
            appendArkResponse(outcome, id: id, to: &out)
        case .httpError where form == .ark:
            let error = outcome.body.withUnsafeBytes { AnswerError.read($0, status: outcome.statusCode) }
            appendArkError(
                error.code, error.type ?? ArkErrorType.ofStatus(outcome.statusCode), error.message, to: &out)
        case .noResponse(let code, let message) where form == .ark:
            appendArkError(code, ArkErrorType.ofCode(code), message, to: &out)
        case .success, .httpError:
            out.append(contentsOf: #","response":{"status_code":"#.utf8)
            out.append(contentsOf: String(outcome.statusCode).utf8)
            out.append(contentsOf: #","request_id":"#.utf8)
            if outcome.requestID.isEmpty {
                Self.appendID(id, to: &out)
            } else {
                JSONText.appendString(outcome.requestID, to: &out)
            }
            out.append(contentsOf: #","body":"#.utf8)
            out.append(contentsOf: outcome.body)
            guard repeatsErrorNames, outcome.kind == .httpError else {
                out.append(contentsOf: #"},"error":null}"#.utf8)
                break
            }
            let error = outcome.body.withUnsafeBytes { AnswerError.read($0, status: outcome.statusCode) }
            out.append(contentsOf: #"},"error":"#.utf8)
            appendError(error.code, error.message, to: &out)
            out.append(UInt8(ascii: "}"))
        case .noResponse(let code, let message):
            out.append(contentsOf: #","response":null,"error":"#.utf8)
            appendError(code, message, to: &out)
            out.append(UInt8(ascii: "}"))
        }
        out.append(UInt8(ascii: "\n"))
    }

    /// Appends the object of `error`.
    private func appendError(_ code: String, _ message: String, to out: inout [UInt8]) {
        out.append(contentsOf: #"{"code":"#.utf8)
        JSONText.appendString(code, to: &out)
        out.append(contentsOf: #","message":"#.utf8)
        JSONText.appendString(message, to: &out)
        if repeatsErrorNames {
            out.append(contentsOf: #","error_code":"#.utf8)
            JSONText.appendString(code, to: &out)
            out.append(contentsOf: #","error_message":"#.utf8)
            JSONText.appendString(message, to: &out)
        }
        out.append(UInt8(ascii: "}"))
    }

    /// Appends an answer that came, in Ark's order of keys.
    private func appendArkResponse(_ outcome: Outcome, id: [UInt8], to out: inout [UInt8]) {
        out.append(contentsOf: #","response":{"request_id":"#.utf8)
        if outcome.requestID.isEmpty {
            Self.appendID(id, to: &out)
        } else {
            JSONText.appendString(outcome.requestID, to: &out)
        }
        out.append(contentsOf: #","status_code":\#(outcome.statusCode),"body":"#.utf8)
        out.append(contentsOf: outcome.body)
        out.append(contentsOf: #"},"error":null}"#.utf8)
    }

    /// Appends what went wrong, in place of an answer.
    private func appendArkError(_ code: String, _ type: String, _ message: String, to out: inout [UInt8]) {
        out.append(contentsOf: #","response":null,"error":{"code":"#.utf8)
        JSONText.appendString(code, to: &out)
        out.append(contentsOf: #","type":"#.utf8)
        JSONText.appendString(type, to: &out)
        out.append(contentsOf: #","message":"#.utf8)
        JSONText.appendString(message, to: &out)
        out.append(contentsOf: "}}".utf8)
    }

    /// Appends the line's id as a JSON string.
    private static func appendID(_ id: [UInt8], to out: inout [UInt8]) {
        JSONText.appendString("batch_req_" + String(decoding: id, as: UTF8.self), to: &out)
    }
}
