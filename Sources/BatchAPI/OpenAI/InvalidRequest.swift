// SPDX-License-Identifier: Apache-2.0

import BatchCore

// The 400s that several routes give, in the words of the vendor where they are known.
extension BatchError {
    /// A word that is none of the known ones.
    static func invalidValue(_ value: String, param: String, supported: [String]) -> BatchError {
        let list =
            supported.count == 1
            ? "'\(supported[0])'"
            : supported.dropLast().map { "'\($0)'" }.joined(separator: ", ") + ", and '\(supported.last ?? "")'"
        return .invalid(
            "Invalid value for '\(param)': '\(value.prefix(100))'. Supported values are: \(list).",
            code: "invalid_value", param: param)
    }

    /// A field of another JSON type.
    static func invalidType(_ param: String, expected: String, got: String) -> BatchError {
        .invalid(
            "Invalid type for '\(param)': expected \(expected), but got \(got) instead.", code: "invalid_type",
            param: param)
    }

    /// A required field that is not there.
    static func missing(_ param: String) -> BatchError {
        .invalid("Missing required parameter: '\(param)'.", code: "missing_required_parameter", param: param)
    }

    /// A field that the API does not have.
    static func unknownParameter(_ param: String) -> BatchError {
        let param = String(param.prefix(100))
        return .invalid("Unknown parameter: '\(param)'.", code: "unknown_parameter", param: param)
    }

    /// A text that PostgreSQL cannot keep.
    static func containsNUL(_ param: String) -> BatchError {
        .invalid(
            "Invalid '\(param)': it contains a NUL character (U+0000), which cannot be stored.", code: "invalid_value",
            param: param)
    }

    /// A lifetime outside of what the API allows.
    static func badExpiry(_ param: String, seconds: String) -> BatchError {
        .invalid(
            "Invalid '\(param)': expected an integer number of seconds from 3600 to 2592000, but got "
                + "\(seconds.prefix(40)) instead.", code: "invalid_value", param: param)
    }

    /// A whole number outside of its range.
    static func outOfRange(_ param: String, value: Int, range: ClosedRange<Int>) -> BatchError {
        value < range.lowerBound
            ? .invalid(
                "Invalid '\(param)': integer below minimum value. Expected a value >= \(range.lowerBound), but got "
                    + "\(value) instead.", code: "integer_below_min_value", param: param)
            : .invalid(
                "Invalid '\(param)': integer above maximum value. Expected a value <= \(range.upperBound), but got "
                    + "\(value) instead.", code: "integer_above_max_value", param: param)
    }
}
