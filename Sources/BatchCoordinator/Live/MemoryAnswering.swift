// SPDX-License-Identifier: Apache-2.0

package import BatchCore

/// Answers requests without the database, in this process. The rooms do not know each other, so it comes as functions.
package struct MemoryAnswering: Sendable {
    /// Whether requests of this model and endpoint can be answered here.
    package var serves: @Sendable (_ model: String, _ endpoint: String) -> Bool
    /// What comes of a request; throws as ``LiveAnswering/answer(_:)``.
    package var outcome: @Sendable (LiveRequest) async throws -> Outcome

    /// Answers through these functions.
    package init(
        serves: @escaping @Sendable (_ model: String, _ endpoint: String) -> Bool,
        outcome: @escaping @Sendable (LiveRequest) async throws -> Outcome
    ) {
        self.serves = serves
        self.outcome = outcome
    }
}
