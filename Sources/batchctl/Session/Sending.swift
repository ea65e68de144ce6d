// SPDX-License-Identifier: Apache-2.0
internal import BatchClient

/// Brings a local file to the server.
struct Sending {
    /// The command's surroundings.
    let session: Session

    /// Uploads a file with progress and returns what the server made of it.
    func send(_ file: LocalFile, purpose: String) async throws(ClientError) -> Answer<WireFile> {
        try await checkAccess()
        let began = ContinuousClock.now
        let answer = try await TransferDisplay.run(
            "uploading \(file.name)", total: file.bytes, narrator: session.narrator
        ) { progress throws(ClientError) in
            // The form around the file is some hundred bytes, which must not show as more than all of it.
            try await session.client.uploadFile(file, purpose: purpose) { progress(min($0, file.bytes)) }
        }
        let seconds = Int64((ContinuousClock.now - began) / .seconds(1))
        session.narrator.say(
            "uploaded \(PlainText.safe(file.path)) (\(Quantities.size(file.bytes))) as \(answer.value.id)"
                + (seconds > 0 ? " in \(Durations.words(seconds))" : ""))
        return answer
    }

    /// Asks for one thing before gigabytes are sent, so that a wrong address or key shows at once and not as a
    /// connection that breaks in the middle.
    private func checkAccess() async throws(ClientError) {
        do throws(ClientError) {
            _ = try await session.client.files(limit: 1)
        } catch {
            switch error {
            case .refused(let refusal, _) where refusal.status != 401 && refusal.status != 403: return
            default: throw error
            }
        }
    }
}
