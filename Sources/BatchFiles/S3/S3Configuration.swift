// SPDX-License-Identifier: Apache-2.0

package import Curl

/// One bucket of a store, and how to deal with it.
package struct S3Configuration: Sendable {
    /// Where the store is.
    package var endpoint: S3Endpoint
    /// The bucket.
    package var bucket: String
    /// Who asks.
    package var credentials: S3Credentials
    /// How long each phase of one request may take. A download has no `total`.
    package var timeouts: Timeouts
    /// How often a failed request is sent again.
    package var retries: RetryRule
    /// Which addresses may be dialled: `any` for a store that the operator configured.
    package var addressRule: AddressRule
    /// Bytes of a part of a multipart upload: 5 MiB is the least that stores take, and most take 10,000 parts. An
    /// object of unknown size is sent in parts of this size up to the thousandth, and in doubled ones from there on.
    /// Default 8 MiB.
    package var partBytes: Int
    /// Parts of one object on their way at once, ≥ 1; each is kept in memory until the store has it. Default 2.
    package var partsInFlightMax: Int

    /// A bucket; everything that is no address and no permission has a default.
    package init(
        endpoint: S3Endpoint, bucket: String, credentials: S3Credentials,
        timeouts: Timeouts = Timeouts(firstByte: .seconds(60), idle: .seconds(60), total: .seconds(900)),
        retries: RetryRule = RetryRule(), addressRule: AddressRule = .any, partBytes: Int = 8 << 20,
        partsInFlightMax: Int = 2
    ) {
        self.endpoint = endpoint
        self.bucket = bucket
        self.credentials = credentials
        self.timeouts = timeouts
        self.retries = retries
        self.addressRule = addressRule
        self.partBytes = max(partBytes, 1)
        self.partsInFlightMax = max(partsInFlightMax, 1)
    }
}
