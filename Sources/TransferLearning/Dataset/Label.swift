/// The label of a class, from its folder's name.
///
/// As retrain.py: lowercase, each run of anything but letters and digits becomes one space. Letters are Unicode's, so
/// that a name without ASCII letters keeps its own label where retrain.py gave all of them `" "`.
package func label(forFolder name: FilePath) -> String {
    var label = ""
    for character in name.description.lowercased() {
        if character.isLetter || character.isNumber {
            label.append(character)
        } else if label.last != " " {
            label.append(" ")
        }
    }
    return label
}
