// SPDX-License-Identifier: Apache-2.0
internal import Curl

/// One call of the API, before it is sent.
struct Call: Sendable {
    /// What goes with it.
    enum Body: Sendable {
        /// Nothing; POST announces a length of 0.
        case none
        /// JSON in memory.
        case json([UInt8])
        /// Parts of any size, read while they are sent.
        case stream(UploadBody, contentType: String, progress: TransferProgress)
    }

    /// Method, such as `GET`.
    var method: String
    /// Path below the API's base, such as `/batches`.
    var path: String
    /// What is being done, as the beginning of an error message: `upload input.jsonl`.
    var doing: String
    /// Pairs behind the `?`, not yet encoded.
    var query: [(String, String)] = []
    /// Fields besides those of every call.
    var headers: [(String, String)] = []
    /// What goes with it.
    var body: Body = .none
    /// What a lost answer means.
    var repeatability: Repeatability = .harmless
    /// How long the server was asked to hold its answer back.
    var heldBack: Duration = .zero

    /// Limits of a call with small bodies; a body of any size has no limit in total, only on silence.
    var timeouts: Timeouts {
        switch body {
        case .none, .json:
            Timeouts(
                connect: .seconds(10), firstByte: .seconds(60) + heldBack, idle: .seconds(60),
                total: .seconds(180) + heldBack)
        case .stream:
            Timeouts(connect: .seconds(10), firstByte: .seconds(600), idle: .seconds(60), total: nil)
        }
    }
}

/// Told how many bytes of a transfer are done, from any thread; must return quickly. May fall back to a lower number
/// when a transfer begins again.
package typealias TransferProgress = @Sendable (Int64) -> Void
