// SPDX-License-Identifier: Apache-2.0
package import Curl

/// How the files that audio lines name are fetched.
package struct AudioRules: Hashable, Sendable {
    /// Largest file of a line, in bytes, at least 1. Default 32 MiB.
    package var fileBytesMax: Int
    /// Most bytes of such files that one process holds, those being fetched counted at `fileBytesMax` each; at least
    /// `fileBytesMax`. Default 512 MiB: 16 files are fetched at a time, more once they turn out to be smaller.
    package var heldBytesMax: Int
    /// Longest fetch of one file. Default 60 s.
    package var fetchTimeout: Duration
    /// Which addresses a `file_url` may lead to. Default: public ones.
    package var addressRule: AddressRule

    /// Rules; every one has a default.
    package init(
        fileBytesMax: Int = 32 << 20, heldBytesMax: Int = 512 << 20, fetchTimeout: Duration = .seconds(60),
        addressRule: AddressRule = .publicOnly()
    ) {
        self.fileBytesMax = fileBytesMax
        self.heldBytesMax = heldBytesMax
        self.fetchTimeout = fetchTimeout
        self.addressRule = addressRule
    }

    /// What is wrong, one sentence each; empty when they can be used.
    package func validate() -> [String] {
        var problems: [String] = []
        if fileBytesMax < 1 { problems.append("audio: the largest file must be at least 1 byte, is \(fileBytesMax)") }
        if heldBytesMax < fileBytesMax {
            problems.append(
                "audio: held bytes must not be below the largest file (\(fileBytesMax)), is \(heldBytesMax)")
        }
        if fetchTimeout <= .zero { problems.append("audio: the time for a fetch must be positive") }
        return problems
    }
}
