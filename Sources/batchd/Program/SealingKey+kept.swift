// SPDX-License-Identifier: Apache-2.0
import Sealing

extension SealingKey {
    /// The key kept in a data directory; made, readable by its owner only, when there is none.
    static func kept(in directory: DataDirectory) throws -> SealingKey {
        if let text = DirectoryEntries.text(of: directory.sealingKey) {
            guard let key = SealingKey(String(text.prefix { !$0.isNewline })) else {
                throw PrivateClusterError(
                    .refused,
                    "\(directory.sealingKey) holds no sealing key; put it back, or remove it and rotate the secrets of "
                        + "all webhooks")
            }
            return key
        }
        let text = randomText()
        try PlainFile.write(text + "\n", to: directory.sealingKey, permissions: 0o600)
        guard let key = SealingKey(text) else {
            throw PrivateClusterError(.refused, "the sealing key that was made is none")
        }
        return key
    }
}
