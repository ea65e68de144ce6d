// SPDX-License-Identifier: Apache-2.0

/// Where a download goes. One user at a time.
package protocol DownloadSink: AnyObject, Sendable {
    /// How many bytes of the file are there already: the download goes on from here.
    var position: Int64 { get async }
    /// Adds bytes at the position.
    func write(_ bytes: [UInt8]) async throws(ClientError)
    /// Goes back to the beginning; false where what was written cannot be taken back.
    func rewind() async throws(ClientError) -> Bool
}
