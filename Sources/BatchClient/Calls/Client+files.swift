// SPDX-License-Identifier: Apache-2.0

extension Client {
    /// What the server knows of a file.
    package func file(_ id: String) async throws(ClientError) -> Answer<WireFile> {
        try await fetch(
            Call(method: "GET", path: "/files/\(ServerAddress.encode(id))", doing: "look up file \(id)"),
            as: WireFile.self)
    }

    /// A page of files, newest first. `limit` is 1…10,000.
    package func files(
        after: String? = nil, limit: Int, purpose: String? = nil
    ) async throws(ClientError) -> Page<WireFile> {
        try await page(
            "/files", doing: "list files", query: purpose.map { [("purpose", $0)] } ?? [], after: after, limit: limit)
    }

    /// Deletes a file. When an answer is lost and the call repeated, the second answer may be 404.
    package func deleteFile(_ id: String) async throws(ClientError) -> Answer<WireDeletion> {
        try await fetch(
            Call(method: "DELETE", path: "/files/\(ServerAddress.encode(id))", doing: "delete file \(id)"),
            as: WireDeletion.self)
    }

    /// Uploads a local file of any size; its bytes are read while they are sent.
    ///
    /// Repeated only when the server cannot have stored it: a second copy would stay behind.
    /// - Parameter progress: told how many bytes of the whole request were taken so far.
    package func uploadFile(
        _ file: LocalFile, purpose: String = "batch", progress: @escaping TransferProgress = { _ in }
    ) async throws(ClientError) -> Answer<WireFile> {
        let form = MultipartForm(fields: [("purpose", purpose)], file: file)
        return try await fetch(
            Call(
                method: "POST", path: "/files", doing: "upload \(file.path)",
                body: .stream(form.body, contentType: form.contentType, progress: progress),
                repeatability: .onlyIfNotDone),
            as: WireFile.self)
    }
}
