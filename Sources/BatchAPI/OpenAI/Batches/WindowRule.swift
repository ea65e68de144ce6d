// SPDX-License-Identifier: Apache-2.0

import BatchCore

/// The completion windows that users may name. (contracts: OpenAI batch create request)
enum WindowRule {
    /// The window that `text` writes.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError`` that names the range.
    static func window(_ text: String, _ limits: Limits) throws -> CompletionWindow {
        let range = limits.completionWindowSeconds
        guard let window = CompletionWindow(text, range: range) else {
            let hours = (range.lowerBound + 3_599) / 3_600...range.upperBound / 3_600
            throw BatchError.invalid(
                "Invalid value for 'completion_window': '\(text.prefix(40))'. Expected hours or days such as '24h' or "
                    + "'7d', from \(hours.lowerBound)h to \(hours.upperBound)h.",
                code: "invalid_value", param: "completion_window")
        }
        return window
    }
}
