// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchFiles
import Curl
import Glibc

/// How fast files come into and out of a bucket, next to the curl program on the same machine in the same minute.
struct VaultBench: Sendable {
    /// The bucket.
    let store: VaultStoreSettings
    /// Size of the file.
    let bytes: Int
    /// How often everything is done.
    let rounds: Int
    /// The curl program.
    let curl: String
    /// Where the directory is made.
    let parent: String

    /// Longest run of the curl program.
    private static let curlLimit = Duration.seconds(3_600)
    private static let pieceBytes = 256 << 10

    /// Measures.
    ///
    /// - Throws: when a transfer fails, or bytes came back that are not those sent.
    func run() async throws -> BenchReport {
        guard store.isSet else { throw BenchFault("vault.s3.bucket is not set: name the store to measure") }
        let directory = try BenchDirectory.make(in: parent)
        defer { directory.remove() }
        let engine = CurlEngine(EngineConfiguration(threadName: "vault"), logger: nil)
        let before = MachineState.current
        do {
            let piece = try await prepare(directory)
            var figures = VaultFigures(bytes: bytes)
            for round in 1...rounds {
                BenchRun.say("round \(round) of \(rounds)")
                try await measure(&figures, piece, directory, engine)
            }
            await engine.shutdown()
            return figures.report(BenchSurroundings(before: before, after: .current))
        } catch {
            await engine.shutdown()
            throw error
        }
    }

    /// Writes the file that curl sends: the same piece over and over; returns the piece.
    private func prepare(_ directory: BenchDirectory) async throws -> [UInt8] {
        let piece = (0..<Self.pieceBytes).map { _ in UInt8.random(in: .min ... .max) }
        let count = bytes / Self.pieceBytes
        try await BlockingWork.run {
            let file = open(directory.input, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
            guard file >= 0 else { throw PrivateClusterError.system("write", directory.input, code: errno) }
            defer { close(file) }
            for _ in 0..<count where write(file, piece, piece.count) != piece.count {
                throw PrivateClusterError.system("write", directory.input, code: errno)
            }
        }
        return piece
    }

    private func measure(
        _ figures: inout VaultFigures, _ piece: [UInt8], _ directory: BenchDirectory, _ engine: CurlEngine
    ) async throws {
        let configuration = try store.configuration()
        let vault = S3Vault(configuration, prefix: store.prefix, engine: engine)
        let client = S3Client(configuration, engine: engine)
        let clock = ContinuousClock()
        var blob: SealedBlob?
        figures.vaultUp.append(
            try await clock.measure {
                let writer = try await vault.begin()
                for _ in 0..<(bytes / piece.count) {
                    await writer.ready()
                    try piece.withUnsafeBytes { try writer.append($0) }
                }
                blob = try await writer.seal()
            }.inSeconds)
        guard let blob, blob.bytes == Int64(bytes) else { throw BenchFault("the vault has another size") }
        var seen = 0
        var isSame = true
        figures.vaultDown.append(
            try await clock.measure {
                for try await part in try await vault.read(blob.vaultKey, range: nil) {
                    isSame = isSame && part.first == piece[seen % piece.count]
                    seen += part.count
                }
            }.inSeconds)
        guard seen == bytes, isSame else { throw BenchFault("the vault gave back other bytes than it got") }
        try await vault.delete(blob.vaultKey)

        let key = "\(store.prefix)bench-\(blob.vaultKey)"
        figures.curlUp.append(
            try await run(["-T", directory.input, client.presignedURL("PUT", key, validFor: 3_600)], directory))
        figures.curlDown.append(
            try await run(["-o", "/dev/null", client.presignedURL("GET", key, validFor: 3_600)], directory))
        try await client.delete(key)
    }

    /// Runs the curl program; returns its seconds.
    private func run(_ arguments: [String], _ directory: BenchDirectory) async throws -> Double {
        let log = directory.path + "/curl.log"
        let output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard output >= 0 else { throw PrivateClusterError.system("write", log, code: errno) }
        defer { close(output) }
        let clock = ContinuousClock()
        let start = clock.now
        let process = try ChildProcess.start(
            [curl, "--silent", "--show-error", "--fail"] + arguments, environment: [:], output: output)
        guard let ending = await process.wait(upTo: Self.curlLimit) else {
            process.signal(SIGKILL)
            throw BenchFault("curl did not end within \(Self.curlLimit)")
        }
        guard ending == .exited(0) else {
            throw BenchFault("curl ended with \(ending):\n\(DirectoryEntries.tail(of: log))")
        }
        return (clock.now - start).inSeconds
    }
}

/// Seconds of every round.
struct VaultFigures: Hashable, Sendable {
    /// Size of the file.
    let bytes: Int
    /// Through the vault, until it is sealed.
    var vaultUp: [Double] = []
    /// Out of the vault.
    var vaultDown: [Double] = []
    /// With curl, by PUT.
    var curlUp: [Double] = []
    /// With curl, by GET.
    var curlDown: [Double] = []

    /// The same for a size.
    init(bytes: Int) { self.bytes = bytes }

    /// Medians in MB/s and how they compare.
    func report(_ surroundings: BenchSurroundings) -> BenchReport {
        var table = TextTable(["way", "vault MB/s", "curl MB/s", "vault / curl"])
        var members: [JSONValue.Member] = [.init("bytes", .integer(Int64(bytes)))]
        for (way, vault, curl) in [("up", vaultUp, curlUp), ("down", vaultDown, curlDown)] {
            let (ours, theirs) = (speed(vault), speed(curl))
            let ratio = theirs > 0 ? ours / theirs : 0
            table.add([way, FigureText.fixed(ours, 1), FigureText.fixed(theirs, 1), FigureText.fixed(ratio, 2)])
            members += [
                .init("vault_\(way)_mb_s", .number(ours)), .init("curl_\(way)_mb_s", .number(theirs)),
                .init("\(way)_ratio", .number(ratio)),
            ]
        }
        return BenchReport(
            text: "\(FigureText.mebibytes(Int64(bytes))), median of \(vaultUp.count) rounds\n" + table.text
                + surroundings.text,
            json: .object(members + surroundings.members))
    }

    private func speed(_ seconds: [Double]) -> Double {
        let median = Median.of(seconds)
        return median > 0 ? Double(bytes) / median / 1e6 : 0
    }
}
