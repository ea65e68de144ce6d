// SPDX-License-Identifier: Apache-2.0
import CLibcurl

/// What the guard demands of a URL before anything is looked up.
enum GuardedURL {
    /// The host as libcurl will look it up, read by libcurl's own parser so that nobody understands the URL otherwise:
    /// percent-encoding undone, numeric IPv4 in its usual form, in lower case and without a dot at the end.
    ///
    /// - Throws: `badURL` for other schemes than http and https, for a name or password, and for an IPv6 zone.
    static func host(of url: String) throws(CurlError) -> String {
        guard let handle = curl_url() else { throw CurlError.outOfMemory("a URL") }
        defer { curl_url_cleanup(handle) }
        let flags = CUnsignedInt(CURLU_PATH_AS_IS | CURLU_DISALLOW_USER)
        switch curl_url_set(handle, CURLUPART_URL, url, flags) {
        case CURLUE_OK: break
        case CURLUE_USER_NOT_ALLOWED: throw CurlError(.badURL, "URL holds a name or password")
        default: throw CurlError(.badURL, "URL is malformed")
        }
        guard let scheme = part(CURLUPART_SCHEME, of: handle), ["http", "https"].contains(scheme.lowercased()) else {
            throw CurlError(.badURL, "URL is neither http nor https")
        }
        guard part(CURLUPART_ZONEID, of: handle) == nil else {
            throw CurlError(.badURL, "URL names an interface of this machine")
        }
        guard var host = part(CURLUPART_HOST, of: handle)?.lowercased() else {
            throw CurlError(.badURL, "URL names no host")
        }
        if host.hasSuffix(".") { host.removeLast() }
        guard !host.isEmpty else { throw CurlError(.badURL, "URL names no host") }
        return host
    }

    private static func part(_ what: CURLUPart, of handle: OpaquePointer) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(handle, what, &text, 0) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }
}
