// SPDX-License-Identifier: Apache-2.0

/// One entry of `errors.data` of a batch that failed validation. (contracts: OpenAI validation errors)
package struct LineProblem: Hashable, Sendable {
    /// A `Code`'s text; open, because other rooms have codes of their own (`token_limit_exceeded`).
    package let code: String
    /// The field at fault, such as `body.model`; nil when it is the whole line or file.
    package let param: String?
    /// The physical line, 1-based, blank lines counted; nil when it is the whole file.
    package let line: Int?
    /// What a user reads: the thing, what was found, the way out.
    package let message: String

    /// A problem with a code of another room.
    package init(code: String, param: String?, line: Int?, message: String) {
        self.code = code
        self.param = param
        self.line = line
        self.message = message
    }

    /// A problem found by the rules of this folder.
    init(_ code: Code, param: String? = nil, line: Int? = nil, _ message: String) {
        self.init(code: code.rawValue, param: param, line: line, message: message)
    }
}

extension LineProblem {
    /// The codes this folder reports. Those marked [ours] are not among the vendor's.
    package enum Code: String, CaseIterable, Sendable {
        /// Not JSON, or JSON but not an object.
        case invalidJSONLine = "invalid_json_line"
        /// A key of the envelope is absent.
        case missingRequiredParameter = "missing_required_parameter"
        /// A field is absent from the body, of the wrong type, empty, too long or given twice.
        case invalidRequest = "invalid_request"
        /// `method` is not POST.
        case invalidMethod = "invalid_method"
        /// `url` is not the batch's endpoint.
        case invalidURL = "invalid_url"
        /// `stream` is true.
        case streamingUnsupported = "streaming_unsupported"
        /// No backend serves the model.
        case modelNotFound = "model_not_found"
        /// Another model than the first line's.
        case mismatchedModel = "mismatched_model"
        /// Thinking on where the first line has it off, or the other way round. [ours]
        case mismatchedThinkingMode = "mismatched_thinking_mode"
        /// An earlier line has the same `custom_id`.
        case duplicateCustomID = "duplicate_custom_id"
        /// No request line at all.
        case emptyFile = "empty_file"
        /// More lines, or more embedding inputs, than a batch may have.
        case tooManyRequests = "too_many_requests"
        /// The line is longer than the limit. [ours]
        case lineTooLong = "line_too_long"
        /// The file is not UTF-8 text at all: compressed, UTF-16, a web page. [ours]
        case invalidFileFormat = "invalid_file_format"
        /// Stands in for the problems beyond the cap. [ours]
        case problemsCut = "problems_cut"
    }

    /// `text` in single quotes for a message: at most 80 characters, nothing that could break a terminal or a log line.
    static func shown(_ text: String) -> String {
        var out = "'"
        for scalar in text.unicodeScalars.prefix(80) {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator:
                out += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            default: out.unicodeScalars.append(scalar)
            }
        }
        let isCut = text.unicodeScalars.dropFirst(80).first != nil
        return out + (isCut ? "…'" : "'")
    }

    /// `number` with commas between the thousands: `6,291,456`.
    static func shown(_ number: Int) -> String {
        var out = ""
        let digits = String(number)
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { out.append(",") }
            out.append(digit)
        }
        return out
    }
}
