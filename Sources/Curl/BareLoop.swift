// SPDX-License-Identifier: Apache-2.0
import CLibcurl

/// The least that a libcurl client can do: one thread, one multi handle, the same POST again and again on a fixed
/// number of connections, answers thrown away. A measure for clients that do more.
package struct BareLoop: Sendable {
    /// Where the requests go.
    package var url: String
    /// What is sent.
    package var body: [UInt8]
    /// Requests in flight.
    package var connections: Int

    /// A loop that is not running.
    package init(url: String, body: [UInt8], connections: Int) {
        self.url = url
        self.body = body
        self.connections = connections
    }

    /// Makes `count` requests and returns how many were answered with a status of 200. Blocks its thread.
    package func run(_ count: Int) -> Int {
        guard let multi = curl_multi_init() else { return 0 }
        defer { curl_multi_cleanup(multi) }
        shardline_multi_set_long(multi, CURLMOPT_MAXCONNECTS, connections)
        let fields = curl_slist_append(curl_slist_append(nil, "Content-Type: application/json"), "Expect:")
        defer { curl_slist_free_all(fields) }
        let discard: curl_write_callback = { _, size, count, _ in size * count }
        return body.withUnsafeBytes { body in
            var handles: [UnsafeMutableRawPointer] = []
            defer { for handle in handles { curl_easy_cleanup(handle) } }
            for _ in 0..<min(connections, count) {
                guard let easy = curl_easy_init() else { break }
                handles.append(easy)
                shardline_easy_set_string(easy, CURLOPT_URL, url)
                shardline_easy_set_headers(easy, fields)
                shardline_easy_set_pointer(easy, CURLOPT_POSTFIELDS, body.baseAddress)
                shardline_easy_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
                shardline_easy_set_pointer(easy, CURLOPT_PRIVATE, easy)
                shardline_easy_set_long(easy, CURLOPT_NOSIGNAL, 1)
                _ = shardline_easy_on_body(easy, discard, nil)
                curl_multi_add_handle(multi, easy)
            }
            return drive(multi, started: handles.count, count: count)
        }
    }

    /// Runs the handles until `count` requests have ended.
    private func drive(_ multi: UnsafeMutableRawPointer, started: Int, count: Int) -> Int {
        var started = started
        var ended = 0
        var answered = 0
        while ended < count {
            var running: CInt = 0
            guard curl_multi_perform(multi, &running) == CURLM_OK else { return answered }
            var easy: UnsafeMutableRawPointer?
            var result = CURLE_OK
            while shardline_multi_next_done(multi, &easy, &result) != 0 {
                guard let easy else { continue }
                ended += 1
                if result == CURLE_OK, shardline_easy_get_long(easy, CURLINFO_RESPONSE_CODE, 0) == 200 { answered += 1 }
                curl_multi_remove_handle(multi, easy)
                guard started < count else { continue }
                started += 1
                curl_multi_add_handle(multi, easy)
            }
            curl_multi_poll(multi, nil, 0, 100, nil)
        }
        return answered
    }
}
