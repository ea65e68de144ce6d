// SPDX-License-Identifier: Apache-2.0
internal import BatchClient
internal import Glibc

/// Standard output, or another descriptor that cannot be rewound. Writes happen on a thread of their own, because
/// whoever reads may be slow.
actor StandardOutput: DownloadSink {
    private let descriptor: CInt
    private let name: String
    private let queue = BlockingQueue(label: "output")
    /// Bytes written so far.
    private(set) var position: Int64 = 0

    /// Standard output unless another open descriptor is given, which stays the caller's to close.
    init(descriptor: CInt = STDOUT_FILENO, name: String = "standard output") {
        self.descriptor = descriptor
        self.name = name
    }

    /// Writes everything, or throws `outputClosed` when nobody reads any more.
    func write(_ bytes: [UInt8]) async throws(ClientError) {
        let (descriptor, name) = (self.descriptor, self.name)
        try await queue.run { () throws(ClientError) in
            try writeAll(bytes, to: descriptor, name: name)
        }
        position += Int64(bytes.count)
    }

    /// What was written cannot be taken back.
    func rewind() -> Bool { position == 0 }
}
