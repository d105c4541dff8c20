"""The printed form of programs, as JAX prints its own. (placeholder)"""
def show(x): return "jaxpr"
def show_eqn(x): return "eqn"
def variable_name(n):
    s=""
    n+=1
    while n: n-=1; s=chr(97+n%26)+s; n//=26
    return s
