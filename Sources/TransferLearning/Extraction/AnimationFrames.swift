import Imaging
import SystemFiles

extension BottleneckExtraction {
    /// Repeats the files that are animations or have several pages, once for each of their frames that is used.
    ///
    /// Frames are spread evenly over an animation, beginning with the first one. All frames of a file have its path and
    /// its content, and therefore stay in one part of the split.
    ///
    /// - Parameters:
    ///   - files: The files.
    ///   - path: Returns the path of a file.
    ///   - context: Stops the work between files.
    /// - Returns: The files, some of them repeatedly, and the index of the frame for each.
    func spread<File>(
        _ files: [File], path: (File) -> FilePath, context: RunContext
    ) -> (files: [File], frames: [Int]) {
        guard frames > 1 else { return (files, [Int](repeating: 0, count: files.count)) }
        var (result, indices): ([File], [Int]) = ([], [])
        for file in files {
            // Extraction reports the interruption, and files that cannot be read.
            let bytes = context.isInterrupted() ? nil : try? FileSystem.read(path(file))
            let count = bytes.flatMap { try? Image.frameCount(in: $0) } ?? 1
            for index in Self.spread(frames, over: count) {
                result.append(file)
                indices.append(index)
            }
        }
        return (result, indices)
    }

    /// Returns the indices of `frames` frames that are spread evenly over `count`, or of all if there are fewer.
    static func spread(_ frames: Int, over count: Int) -> [Int] {
        count <= frames ? Array(0..<count) : (0..<frames).map { $0 * count / frames }
    }
}
