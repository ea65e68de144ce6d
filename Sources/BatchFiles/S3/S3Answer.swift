// SPDX-License-Identifier: Apache-2.0

internal import Curl

/// What a store said, read for its meaning.
enum S3Answer {
    /// The store's name for a request, under the names that vendors give the field.
    static func requestID(_ headers: HTTPHeaders) -> String? {
        ["x-amz-request-id", "x-oss-request-id", "x-tos-request-id"].lazy.compactMap { headers.first($0) }.first
    }

    /// The refusal in an answer whose status or body says that it is one.
    static func refusal(status: Int, _ headers: HTTPHeaders, _ body: [UInt8]) -> S3Error.Reason {
        let root = try? XMLElement(parsing: body)
        guard let root, root.name == "Error" else {
            return .refused(status: status, code: headersCode(headers), message: "")
        }
        var message = String((root["Message"] ?? "").prefix(messageMax))
        // Told only where the region is wrong, and then it is what a person needs.
        if let region = root["Region"] { message += " (the store expects the region \(region.prefix(60)))" }
        return .refused(status: status, code: String((root["Code"] ?? "").prefix(100)), message: message)
    }

    /// How long the store asks to be left alone.
    static func retryAfter(_ headers: HTTPHeaders, now: Int64) -> Duration? {
        switch headers.first("Retry-After").flatMap(RetryAfter.init(parsing:)) {
        case .seconds(let seconds): .seconds(min(seconds, 86_400))
        case .date(let moment): .seconds(max(0, min(Int64(moment) - now, 86_400)))
        case nil: nil
        }
    }

    /// The store's clock; nil when it does not say.
    static func time(_ headers: HTTPHeaders) -> Int64? {
        guard case .date(let moment)? = headers.first("Date").flatMap(RetryAfter.init(parsing:)) else { return nil }
        return Int64(moment)
    }

    /// The tag without its quotes.
    static func entityTag(_ text: String?) -> String {
        guard let text else { return "" }
        return String(text.drop { $0 == "\"" }.prefix { $0 != "\"" })
    }

    /// Whether a tag is the MD5 of the bytes, as it is unless the store encrypts them with a customer's key.
    static func isPlainHash(_ tag: String, _ headers: HTTPHeaders) -> Bool {
        let encryption = headers.first("x-amz-server-side-encryption") ?? "AES256"
        return tag.utf8.count == 32 && tag.allSatisfy(\.isHexDigit) && encryption == "AES256"
            && headers.first("x-amz-server-side-encryption-customer-algorithm") == nil
    }

    /// The first bytes of a refused download's body; none when they do not come.
    static func explanation(in download: HTTPDownload) async -> [UInt8] {
        var body: [UInt8] = []
        do {
            for try await piece in download.body {
                body += piece
                if body.count >= explanationBytesMax { break }
            }
        } catch {
            // The status tells enough without its explanation.
            return []
        }
        return body
    }

    /// OSS and TOS name the code in a field where there is no body.
    private static func headersCode(_ headers: HTTPHeaders) -> String {
        String((headers.first("x-oss-ec") ?? headers.first("x-tos-ec") ?? "").prefix(100))
    }

    private static let messageMax = 500
    private static let explanationBytesMax = 1 << 16
}
