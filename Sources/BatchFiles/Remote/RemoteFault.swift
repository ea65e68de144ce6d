// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import Curl

/// Why a file elsewhere could not be read or written, in words for the user who named it: never with a permission, a
/// secret, or anything about the network behind this service.
package struct RemoteFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// What went wrong; raw values end the codes that users see, such as `input_forbidden`.
    package enum Kind: String, CaseIterable, Hashable, Sendable {
        /// No keys for this store are at hand.
        case noCredentials = "no_credentials"
        /// The address may not be used with the server's keys, or cannot be one at all.
        case notAllowed = "not_allowed"
        /// It leads to an address that is not public.
        case addressNotAllowed = "address_not_allowed"
        /// The keys or the permission are refused: 401, 403.
        case forbidden
        /// There is no such bucket or object: 404, 410.
        case notFound = "not_found"
        /// The server sends elsewhere, which is not followed.
        case redirected
        /// The server does not like the request otherwise.
        case refused
        /// The network or the server is not able to: connection, time limits, 408, 429, 5xx.
        case unreachable
        /// The bytes are not what was announced.
        case damaged
        /// More than the limit.
        case tooLarge = "too_large"
        /// The vault here.
        case vault
    }

    /// What went wrong.
    package let kind: Kind
    /// One or two sentences: the place, the reason, the way out.
    package let message: String
    /// Whether the same may succeed later.
    package let isRetryable: Bool

    /// A fault; `isRetryable` follows the kind unless given.
    package init(_ kind: Kind, _ message: String, isRetryable: Bool? = nil) {
        self.kind = kind
        self.message = message
        self.isRetryable = isRetryable ?? [.unreachable, .damaged, .vault].contains(kind)
    }

    /// The message.
    package var description: String { message }

    /// What a user may know of an error about `place`; nil for an error that is none of a store or of the vault.
    ///
    /// - Parameter doing: what was being done, such as `read`; follows "Cannot".
    package init?(_ error: any Error, doing: String, place: String) {
        switch error {
        case let fault as RemoteFault: self = fault
        case let error as S3Error: self.init(error, doing: doing, place: place)
        case let error as VaultError:
            if case .full = error {
                self.init(.vault, "The server has no space left to keep the file; ask its operator.")
            } else {
                self.init(.vault, "The server's own storage failed; the operator's log tells more.")
            }
        default: return nil
        }
    }

    private init(_ error: S3Error, doing: String, place: String) {
        let what = "Cannot \(doing) \(place)"
        switch error.reason {
        case .network(let error):
            self = Self.network(error, what)
        case .damaged(let reason):
            self.init(.damaged, "\(what): \(reason).")
        case .refused(let status, let code, _):
            let word = Self.word(code)
            let answer = "the server answered \(status)" + (word.isEmpty ? "" : " (\(word))")
            let kind = Self.kind(status, isRetryable: error.isRetryable)
            self.init(
                kind, "\(what): \(answer). \(Self.advice(kind, word))", isRetryable: error.isRetryable)
        }
    }

    private static func network(_ error: CurlError, _ what: String) -> RemoteFault {
        switch error.code {
        case .addressRefused:
            return RemoteFault(
                .addressNotAllowed,
                "\(what): it leads to an address that is not public. The operator of this server can allow it with the "
                    + "setting outbound.allow.")
        case .badURL, .badRequest:
            return RemoteFault(.notAllowed, "\(what): the address cannot be called.")
        case .responseTooLarge:
            return RemoteFault(.damaged, "\(what): the answer is larger than it may be.")
        default:
            return RemoteFault(
                .unreachable, "\(what): \(reason(error.code)). See that the server is up and can be reached from here.",
                isRetryable: error.isRetryable)
        }
    }

    /// Without the library's own words, which name hosts and addresses that may be the operator's.
    private static func reason(_ code: CurlError.Code) -> String {
        switch code {
        case .couldNotResolve: "the name of its host cannot be resolved"
        case .couldNotConnect, .timeoutConnect: "no connection could be made"
        case .timeoutFirstByte, .timeoutIdle, .timeoutTotal: "the server did not go on within the time allowed"
        case .tls: "no secure connection could be made (certificate or protocol)"
        case .connectionLost: "the connection broke off"
        case .protocolError: "the server does not speak HTTP as it should"
        default: "the transfer failed"
        }
    }

    private static func kind(_ status: Int, isRetryable: Bool) -> Kind {
        switch status {
        case 300..<400: .redirected
        case 401, 403: isRetryable ? .unreachable : .forbidden
        case 404, 410: .notFound
        default: isRetryable || status >= 500 ? .unreachable : .refused
        }
    }

    private static func advice(_ kind: Kind, _ code: String) -> String {
        switch kind {
        case .redirected:
            "Redirects are not followed: name the final address, or the region in which the bucket is."
        case .forbidden:
            switch code {
            case "InvalidAccessKeyId": "The store does not know the access key."
            case "SignatureDoesNotMatch": "The secret key is wrong, or the URL was changed after it was signed."
            case "ExpiredToken": "The session token has run out."
            default: "The keys do not allow it, or the URL has expired: make a new one."
            }
        case .notFound:
            code == "NoSuchBucket"
                ? "There is no such bucket: correct its name." : "There is no such object: correct bucket and key."
        case .unreachable: "The server has a fault of its own."
        default: "Correct the address."
        }
    }

    /// The store's word for its refusal, if it is one: whoever answers decides on the text.
    private static func word(_ code: String) -> String {
        let isWord =
            code.utf8.count <= 60
            && code.utf8.allSatisfy { byte in
                (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
            }
        return isWord ? code : ""
    }
}
