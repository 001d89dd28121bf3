"""Layer stage (I/O): namespace, wire tap, programs on terminals, scripted peers, faults. Judges and presents nothing."""
