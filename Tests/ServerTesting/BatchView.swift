// SPDX-License-Identifier: Apache-2.0

/// A batch object as the API shows it.
package struct BatchView: Decodable, Sendable, Hashable {
    /// `request_counts`.
    package struct Counts: Decodable, Sendable, Hashable {
        /// Lines of the input.
        package let total: Int
        /// Lines that succeeded.
        package let completed: Int
        /// Lines that were executed and failed.
        package let failed: Int

        /// Counts to compare with.
        package init(total: Int, completed: Int, failed: Int) {
            (self.total, self.completed, self.failed) = (total, completed, failed)
        }
    }

    /// `errors`.
    package struct Problems: Decodable, Sendable, Hashable {
        /// One entry per problem.
        package let data: [Problem]
    }

    /// One problem of an input file.
    package struct Problem: Decodable, Sendable, Hashable {
        /// A word for programs.
        package let code: String
        /// A sentence for people.
        package let message: String
        /// The field at fault.
        package let param: String?
        /// Physical line, from 1.
        package let line: Int?
    }

    /// `usage`.
    package struct Usage: Decodable, Sendable, Hashable {
        /// Prompt tokens of all lines.
        package let input_tokens: Int
        /// Completion tokens of all lines.
        package let output_tokens: Int
        /// Both.
        package let total_tokens: Int

        /// Sums to compare with.
        package init(input_tokens: Int, output_tokens: Int, total_tokens: Int) {
            (self.input_tokens, self.output_tokens, self.total_tokens) = (input_tokens, output_tokens, total_tokens)
        }
    }

    /// `batch_…`
    package let id: String
    /// Public status.
    package let status: String
    /// `request_counts`.
    package let request_counts: Counts
    /// Problems of a failed batch.
    package let errors: Problems?
    /// Results that succeeded.
    package let output_file_id: String?
    /// Results that failed, and lines that were never executed.
    package let error_file_id: String?
    /// When it was created, in Unix seconds.
    package let created_at: Int
    /// When it was completed.
    package let completed_at: Int?
    /// Sums over all lines.
    package let usage: Usage?

    /// Whether nothing changes any more.
    package var isTerminal: Bool { ["completed", "failed", "expired", "cancelled"].contains(status) }
}
