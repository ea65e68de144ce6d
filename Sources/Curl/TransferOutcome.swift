// SPDX-License-Identifier: Apache-2.0
import CLibcurl

/// What a finished or failed transfer amounts to.
extension TransferSlot {
    /// The answer as received so far.
    func response() -> HTTPResponse {
        HTTPResponse(
            status: status, headers: HTTPHeaders(block: headerBlock), body: body,
            timing: HTTPTiming(
                connect: duration(CURLINFO_CONNECT_TIME_T), firstByte: duration(CURLINFO_STARTTRANSFER_TIME_T),
                total: duration(CURLINFO_TOTAL_TIME_T)),
            isDelimitedByClose: isDelimitedByClose)
    }

    /// Whether the answer has come as far as the caller needs it.
    var keepsAnswer: Bool {
        guard isHeadComplete, let transfer, transfer.channel == nil else { return false }
        return transfer.request.keepsPartialAnswer && !transfer.request.mayFollowRedirects
    }

    /// What the transfer amounts to when libcurl has ended it with `result`.
    func outcome(_ result: CURLcode) -> Result<HTTPResponse, CurlError> {
        result == CURLE_OK || keepsAnswer ? .success(response()) : .failure(error(result))
    }

    /// The error libcurl's `result` or our own callback stands for.
    func error(_ result: CURLcode) -> CurlError {
        if let failure { return error(failure.code, failure.message) }
        let detail = errorDetail.isEmpty ? String(cString: curl_easy_strerror(result)) : errorDetail
        if result == CURLE_COULDNT_CONNECT, let refusedAddress {
            var refusal = error(.addressRefused, "the address of this host is not public, and not allowed either")
            refusal.refusedAddress = refusedAddress.isEmpty ? "unknown" : AddressBlock.text(of: refusedAddress)
            return refusal
        }
        return error(Self.code(result, detail: detail, isConnected: transfer?.clock.isConnected == true), detail)
    }

    /// An error of this transfer as it stands.
    func error(_ code: CurlError.Code, _ what: String) -> CurlError {
        let requestBytes = shardline_easy_get_long(easy, CURLINFO_REQUEST_SIZE, 0)
        let bytesSent = Int64(shardline_easy_get_offset(easy, CURLINFO_SIZE_UPLOAD_T, 0))
        let phase: CurlError.Phase
        switch code {
        case .couldNotResolve, .couldNotConnect, .timeoutConnect, .addressRefused, .badURL, .badRequest:
            phase = .connecting
        default:
            if transfer?.clock.isConnected != true {
                phase = .connecting
            } else if headerBytesReceived > 0 {
                phase = .receiving
            } else if requestBytes == 0 || bytesSent < transfer?.bodyCount ?? 0 {
                phase = .sending
            } else {
                phase = .waiting
            }
        }
        return CurlError(
            code, "\(HostName.describe(transfer?.request.url ?? "")): \(what)", phase: phase, bytesSent: bytesSent,
            mayHaveReachedServer: requestBytes > 0)
    }

    private func duration(_ info: CURLINFO) -> Duration {
        .microseconds(shardline_easy_get_offset(easy, info, 0))
    }

    /// No length, not chunked, yet a body may follow (RFC 9112 §6.3 case 8).
    private var isDelimitedByClose: Bool {
        guard status != 204, status != 304, transfer?.request.method != "HEAD",
            shardline_easy_get_offset(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, -1) < 0
        else { return false }
        return HTTPHeaders(block: headerBlock).first("Transfer-Encoding") == nil
    }

    private static func code(_ result: CURLcode, detail: String, isConnected: Bool) -> CurlError.Code {
        switch result {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .couldNotResolve
        case CURLE_COULDNT_CONNECT: .couldNotConnect
        // The only time limit libcurl knows of is the one for connecting.
        case CURLE_OPERATION_TIMEDOUT: .timeoutConnect
        // libcurl reports a broken chunk as a receive error.
        case CURLE_RECV_ERROR: detail.contains("hunk") ? .protocolError : .connectionLost
        case CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_SEND_FAIL_REWIND: .connectionLost
        case CURLE_URL_MALFORMAT: .badURL
        // Without a connection it is the URL's scheme; with one, a version of HTTP that is not spoken.
        case CURLE_UNSUPPORTED_PROTOCOL: isConnected ? .protocolError : .badURL
        case CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING, CURLE_TOO_MANY_REDIRECTS, CURLE_HTTP2,
            CURLE_HTTP2_STREAM:
            .protocolError
        case CURLE_ABORTED_BY_CALLBACK: .cancelled
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ENGINE_NOTFOUND,
            CURLE_SSL_ENGINE_SETFAILED, CURLE_SSL_ENGINE_INITFAILED, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_SHUTDOWN_FAILED, CURLE_SSL_CRL_BADFILE, CURLE_SSL_ISSUER_ERROR,
            CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CLIENTCERT:
            .tls
        default: .other(Int(result.rawValue))
        }
    }
}

/// Host and port of a URL for messages, without anything secret.
enum HostName {
    /// `host:port`, the port being the scheme's when the URL has none; the word "URL" when there is no host.
    static func describe(_ url: String) -> String {
        let bytes = Array(url.utf8)
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), bytes[colon...].starts(with: "://".utf8) else {
            return "URL"
        }
        var authority = bytes[(colon + 3)...].prefix { !"/?#".utf8.contains($0) }
        if let at = authority.lastIndex(of: UInt8(ascii: "@")) { authority = authority[(at + 1)...] }
        if authority.isEmpty { return "URL" }
        let host = String(decoding: authority, as: UTF8.self)
        let afterBracket = authority.lastIndex(of: UInt8(ascii: "]")) ?? authority.startIndex
        if authority[afterBracket...].contains(UInt8(ascii: ":")) { return host }
        return host + (bytes[..<colon].elementsEqual("https".utf8) ? ":443" : ":80")
    }
}
