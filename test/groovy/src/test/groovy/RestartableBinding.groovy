/** Variables that all scripts of a pipeline share, also after they were written and read. */
@SuppressWarnings('UnusedPrivateMethod')
class RestartableBinding extends Binding implements Serializable {
    private void writeObject(ObjectOutputStream out) throws IOException { out.writeObject(new HashMap(variables)) }

    private void readObject(ObjectInputStream input) throws IOException, ClassNotFoundException {
        // The scripts among them are read in here, and hold this binding before it is filled.
        variables.putAll(input.readObject() as Map)
    }
}
