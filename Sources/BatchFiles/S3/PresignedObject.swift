// SPDX-License-Identifier: Apache-2.0

package import BatchCore
package import Curl

/// An object behind a URL that a user gave: public, or with a permission in its query. Called exactly as written,
/// without any signature of ours, and only at addresses that the rule lets through. (contracts: address forms, SSRF
/// rules)
package struct PresignedObject: Sendable {
    /// Where it is.
    package let url: OutboundURL
    private let engine: CurlEngine
    private let addressRule: AddressRule
    private let timeouts: Timeouts
    private let retries: RetryRule
    private let followsRedirects: Bool

    /// An object reached through `engine`.
    ///
    /// - Parameters:
    ///   - timeouts: of one request; a download has no `total`.
    ///   - followsRedirects: whether reading follows redirects; never under a rule about addresses.
    package init(
        _ url: OutboundURL, engine: CurlEngine, addressRule: AddressRule = .publicOnly(),
        timeouts: Timeouts = Timeouts(firstByte: .seconds(60), idle: .seconds(60), total: .seconds(900)),
        retries: RetryRule = RetryRule(), followsRedirects: Bool = false
    ) {
        self.url = url
        self.engine = engine
        self.addressRule = addressRule
        self.timeouts = timeouts
        self.retries = retries
        self.followsRedirects = followsRedirects
    }

    /// Opens the object; see ``S3Client/get(_:range:)``. A broken connection is made good when the server gives the
    /// object a strong entity tag and understands ranges.
    package func get(range: Range<Int64>? = nil) async throws -> ObjectDownload {
        let source = ObjectDownload.Source(operation: "read", place: place, attemptsMax: retries.attemptsMax) {
            range, tag in
            try await retries.run {
                var headers = HTTPHeaders()
                if let range { headers.append("Range", range) }
                if let tag { headers.append("If-Match", tag) }
                return try await open(headers)
            }
        }
        return try await ObjectDownload.open(source, range: range)
    }

    /// Writes the object in one request, as often as it takes.
    ///
    /// - Parameter contentType: value of `Content-Type`, where the permission wants one.
    package func put(_ body: UploadBody, contentType: String? = nil) async throws {
        let request = HTTPRequest(
            method: "PUT", url: url.text, headers: HTTPHeaders(contentType.map { [("Content-Type", $0)] } ?? []),
            timeouts: timeouts, responseBytesMax: 1 << 20, addressRule: addressRule)
        try await retries.run { try await send(request, body) }
    }

    private func send(_ request: HTTPRequest, _ body: UploadBody) async throws {
        let response: HTTPResponse
        do {
            response = try await engine.upload(request, body: body)
        } catch {
            throw S3Error(.network(error), operation: "write", place: place)
        }
        guard (200...299).contains(response.status) else {
            throw refusal("write", response.status, response.headers, response.body)
        }
    }

    /// Without the query, which may be a permission.
    private var place: String { ObjectAddress.url(url).description }

    private func open(_ headers: HTTPHeaders) async throws -> HTTPDownload {
        let download: HTTPDownload
        do {
            var timeouts = timeouts
            timeouts.total = nil
            download = try await engine.download(
                HTTPRequest(
                    url: url.text, headers: headers, timeouts: timeouts, responseBytesMax: .max,
                    followsRedirects: followsRedirects, addressRule: addressRule))
        } catch {
            throw S3Error(.network(error), operation: "read", place: place)
        }
        guard (200...299).contains(download.status) else {
            throw refusal("read", download.status, download.headers, await S3Answer.explanation(in: download))
        }
        return download
    }

    private func refusal(_ operation: String, _ status: Int, _ headers: HTTPHeaders, _ body: [UInt8]) -> S3Error {
        S3Error(
            S3Answer.refusal(status: status, headers, body), operation: operation, place: place,
            requestID: S3Answer.requestID(headers),
            retryAfter: S3Answer.retryAfter(headers, now: StoreClock().unixSeconds))
    }
}
